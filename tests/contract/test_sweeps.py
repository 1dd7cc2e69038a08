from pathlib import Path

import pytest

from harness.sweep.budget import budget_of, planned, shares_of
from harness.sweep.spec import check_sweep, load_sweep_spec

FILES = sorted((Path(__file__).parents[2] / "sweeps").glob("*.yaml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sweep_file_is_valid_and_says_what_it_asks(path: Path) -> None:
    spec = check_sweep(path).spec
    assert spec.name == path.stem
    head = path.read_text().partition("\nname:")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert "?" in head
    assert "# Cost: " in head
    assert "# Answer: " in head
    assert len(planned(spec)) >= 1
    assert budget_of(spec, planned(spec)) >= 1


SHIPPED = [
    path
    for path in sorted((Path(__file__).parents[2] / "sweeps").rglob("*.yaml"))
    if "objectives:" in path.read_text()
]
FEWEST_SEEDS = 5


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_sweep_confirms_with_five_seeds_or_says_that_its_intervals_are_of_items(
    path: Path,
) -> None:
    confirm = load_sweep_spec(path).confirm
    head = path.read_text().partition("\nname:")[0]
    seeds = () if confirm is None else confirm.seeds
    assert len(seeds) >= FEWEST_SEEDS or "intervals of items alone" in head


def test_the_worked_example_gives_each_method_the_same_number_of_trials() -> None:
    spec = load_sweep_spec(Path(__file__).parents[2] / "sweeps/pocket.yaml")
    shares = shares_of(spec, planned(spec))
    assert shares is not None
    assert shares.counts == {"sft": 6, "radis": 6}
