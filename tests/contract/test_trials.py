"""Every method has an example configuration under its name, and it runs."""

from pathlib import Path

import pytest

from harness.protocols import Showing
from harness.settings import plugins
from harness.trial.config import TrialConfig, load_trial
from harness.trial.run import run_trial

TRIALS = Path(__file__).parents[2] / "sweeps" / "trials"
FILES = sorted(TRIALS.glob("*.yaml"))
TRAINED = [name for name in plugins.names("variant") if plugins.load("variant", name).trains]
SHOWING = [
    name for name in plugins.names("variant") if issubclass(plugins.load("variant", name), Showing)
]
QUICK = (("train.steps", 3), ("eval.limit", 2), ("eval.batch_size", 8))


def example_of(name: str, overrides: tuple[tuple[str, object], ...] = ()) -> TrialConfig:
    """Its example configuration; of a method that has none yet, plain fine-tuning's."""
    path = TRIALS / f"{name}.yaml"
    if path.exists():
        return load_trial(path, overrides)
    return load_trial(TRIALS / "sft.yaml", (*overrides, ("variant", {"name": name})))


@pytest.mark.parametrize("name", TRAINED + SHOWING)
def test_its_example_is_of_it(name: str) -> None:
    assert example_of(name).variant.name == name


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_example_is_named_like_its_file_and_says_what_it_is(path: Path) -> None:
    assert load_trial(path).name == path.stem
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED + SHOWING)
def test_its_example_runs(name: str, tmp_path: Path) -> None:
    data = example_of(name).data
    few = (("data.train.limit", 24),) if data is not None and data.train is not None else ()
    result = run_trial(example_of(name, (*QUICK, *few)), home=tmp_path)
    assert result.scores
    assert ("answering" if name in SHOWING else "adapter") in result.stages
