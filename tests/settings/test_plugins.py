import pytest

from harness.errors import ConfigError
from harness.settings import plugins


def test_the_files_of_a_folder_are_its_plugins():
    assert {"base", "sft", "radis"} <= set(plugins.names("variant"))
    assert plugins.load("variant", "radis").__name__ == "Radis"


def test_an_unknown_name_lists_the_known_ones_and_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown variant 'sfft'; did you mean 'sft'\?"):
        plugins.load("variant", "sfft")
