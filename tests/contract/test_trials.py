"""Every method has an example configuration under its name, and it runs."""

from pathlib import Path

import pytest

from harness import plugins
from harness.config import load_trial
from harness.trial import run_trial

TRIALS = Path(__file__).parents[2] / "sweeps" / "trials"
FILES = sorted(TRIALS.glob("*.yaml"))
TRAINED = [name for name in plugins.names("variant") if plugins.load("variant", name).trains]
QUICK = (("train.steps", 3), ("data.train.limit", 24), ("eval.limit", 2), ("eval.batch_size", 8))


@pytest.mark.parametrize("name", TRAINED)
def test_it_has_an_example(name: str) -> None:
    assert load_trial(TRIALS / f"{name}.yaml").variant.name == name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_named_like_its_file_and_says_what_it_is(path: Path) -> None:
    assert load_trial(path).name == path.stem
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.slow
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_runs(path: Path, tmp_path: Path) -> None:
    config = load_trial(path, QUICK)
    result = run_trial(config, home=tmp_path)
    assert result.scores
    assert "adapter" in result.stages
