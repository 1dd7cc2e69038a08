from pathlib import Path

import pytest

from harness.sweep.plan import budget_of, planned
from harness.sweep.spec import check_sweep

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
