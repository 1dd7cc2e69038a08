import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics.agreement import cohens_kappa


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=2))
def test_kappa_is_what_is_agreed_beyond_chance(pairs):
    first, second = zip(*pairs, strict=True)
    kappa = cohens_kappa(first, second)
    counts = [{label: side.count(label) for label in "abc"} for side in (first, second)]
    chance = sum(counts[0][label] * counts[1][label] for label in "abc") / len(pairs) ** 2
    if chance == 1:
        assert kappa is None
    else:
        agreed = sum(one == other for one, other in pairs) / len(pairs)
        assert kappa == pytest.approx((agreed - chance) / (1 - chance), abs=1e-12)


def test_kappa_of_nothing_is_none():
    assert cohens_kappa([], []) is None
