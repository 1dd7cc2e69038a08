import pytest

from tests.outside import DATA, outside
from tests.statistics.against_sacrebleu import Pair, outcome, whole_pairs

TRIALS = 10_000


def pair(name: str) -> Pair:
    return next(pair for pair in whole_pairs(DATA) if pair.name.startswith(name))


@pytest.mark.slow
@outside("wmt22", "wmt24")
@pytest.mark.parametrize("metric", ["bleu", "chrf"])
@pytest.mark.parametrize(
    ("name", "num_lines", "half"),
    [
        ("WMT22 en-de", 2037, True),
        ("WMT22 en-de", 400, False),
        ("WMT24 en-de (A and B)", 200, False),
        ("WMT24 en-es", 200, True),
        ("WMT24 en-es", 100, False),
    ],
)
def test_decisions_are_those_of_sacrebleus_paired_test(name, num_lines, half, metric):
    chosen = pair(name).part(num_lines, 7)
    found = outcome(chosen.mixed(7) if half else chosen, metric, TRIALS)
    assert found.agree, found
    # near the border and beyond it, the p-values are close too
    assert found.ours == pytest.approx(found.theirs, abs=0.03)


def test_the_page_has_no_pair_that_is_decided_otherwise():
    page = __file__.replace("test_against_sacrebleu.py", "against_sacrebleu.md")
    with open(page, encoding="utf-8") as file:
        text = file.read()
    assert "of the others 0 are decided otherwise at .05" in text
    assert "differs" not in text
