import re
from pathlib import Path

import click
import pytest

from harness.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_and_shows_an_example(harness, name):
    shown = harness(name, "--help")
    assert shown.code == 0
    summary = re.split(r"\n\s*\n", shown.out)[1].strip()
    assert summary.endswith((".", ":"))
    assert f"\n    harness {name}" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name):
    command = main.get_command(click.Context(main), name)
    options = [option for option in command.params if isinstance(option, click.Option)]
    assert [option.name for option in options if not option.help] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name):
    assert f"harness {name}" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_help_of_all_lists_the_commands_and_the_exit_codes(harness):
    shown = harness("--help")
    assert shown.code == 0
    assert [name for name in COMMANDS if f"\n  {name} " not in shown.out] == []
    assert "130  interrupted" in shown.out
    assert "..." not in shown.out.replace("[ARGS]...", "")  # no summary is cut
    assert max(map(len, shown.out.splitlines())) <= 80


def test_an_unknown_command_is_answered_with_the_nearest(harness):
    shown = harness("swep")
    assert shown.code == 2
    assert "Did you mean 'sweep'?" in shown.err


def test_an_unknown_option_exits_with_2(harness):
    assert harness("list", "variants", "--colour").code == 2


def test_the_version_is_the_packages(harness):
    assert harness("--version").out.startswith("harness, version ")
