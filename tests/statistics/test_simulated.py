"""Four cells of the simulation, and that the page has all of them within their bounds."""

import itertools

import pytest

from tests.statistics.simulate import KINDS, PAGE, SEEDS, Cell, cells, clustered_rates, simulate

DATASETS = 2000
ERROR = (0.05 * 0.95 / DATASETS) ** 0.5

CELLS = (
    Cell("mean", 10, 10, 200, 0.03, alike=False, common=False),
    Cell("ratio", 10, 10, 200, 0.03, alike=True, common=True),
    Cell("suite", 3, 5, 50, 0.06, alike=False, common=False),
    Cell("mean", 2, 2, 200, 0.06, alike=True, common=True),
)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: f"{cell.kind}-{cell.first_seeds}")
def test_error_rate_coverage_and_power_are_as_the_page_says(cell):
    outcome = simulate(cell, DATASETS)
    assert outcome.false_positives <= 0.05 + 3 * ERROR
    assert outcome.coverage >= 0.95 - 3 * ERROR
    if min(cell.first_seeds, cell.second_seeds) == 10:
        assert outcome.false_positives >= 0.015
        assert outcome.power >= outcome.known - (0.16 if cell.common else 0.12)


@pytest.mark.slow
def test_drawing_clusters_keeps_the_error_rate_that_drawing_their_items_does_not():
    items, clusters = clustered_rates(40, 0, DATASETS)
    assert items > 0.15
    assert clusters <= 0.05 + 3 * ERROR


def rows():
    """The page's cells: the first six columns, then numbers."""
    section = PAGE.read_text("utf-8").split("\n## ")[1]
    table = [line.strip("| ").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    return [(row[:6], [float(number) for number in row[6:]]) for row in table[2:]]


def test_every_cell_stands_on_the_page_within_its_bounds():
    found = rows()
    assert len(found) == len(list(cells()))
    assert {row[0] for row, _ in found} == set(KINDS)
    assert {row[1] for row, _ in found} >= {f"{seeds}, {seeds}" for seeds in SEEDS}
    assert max(numbers[0] for _, numbers in found) <= 0.07
    assert min(numbers[1] for _, numbers in found) >= 0.925
    assert sum(numbers[1] for _, numbers in found) / len(found) >= 0.94


def test_at_ten_seeds_the_power_is_near_that_of_the_test_that_knows_the_variance():
    ten = [(row, numbers) for row, numbers in rows() if row[1] == "10, 10"]
    for row, (false_positives, _, power, known) in ten:
        assert false_positives >= 0.015
        assert known - power <= (0.16 if row[5] == "common" else 0.12), row
    assert len(ten) == len(list(itertools.product(KINDS, range(3), range(3), range(2), range(2))))
