from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.sweep.space import (
    Dimension,
    applies,
    draws,
    grid,
    grid_bound,
    identity,
    ordered,
    spread,
)

BASE = {"variant.name": "radis", "lora.rslora": False}
SPACE = {
    "variant.rationale_weight": Dimension(
        low=0.1, high=3.0, log=True, when={"variant.name": "radis"}
    ),
    "variant.name": Dimension(values=("sft", "radis")),
    "lora.rank": Dimension(values=(4, 8, 16)),
    "lora.alpha": Dimension(low=8, high=32, step=8),
}
FINITE = {path: d for path, d in SPACE.items() if d.finite is not None} | {
    "variant.rationale_weight": Dimension(values=(0.3, 1.0), when={"variant.name": "radis"})
}


def test_conditions_come_first() -> None:
    assert ordered(SPACE)[:2] == ("variant.name", "variant.rationale_weight")


def test_conditions_in_a_circle_are_refused() -> None:
    space = {
        "a": Dimension(values=(1,), when={"b": 1}),
        "b": Dimension(values=(1,), when={"a": 1}),
    }
    with pytest.raises(ValueError, match="depend on each other"):
        ordered(space)


def test_a_grid_has_each_configuration_once_and_absent_dimensions_collapse() -> None:
    found = list(grid(FINITE, BASE))
    assert len({identity(params) for params in found}) == len(found)
    plain = [params for params in found if params["variant.name"] == "sft"]
    assert len(plain) == 3 * 4
    assert len(found) == 3 * 4 * (1 + 2) <= grid_bound(FINITE)


def test_a_condition_on_an_absent_dimension_does_not_hold() -> None:
    space = {
        **SPACE,
        "lora.dropout": Dimension(values=(0.1,), when={"variant.rationale_weight": 1.0}),
    }
    assert not applies(space, "lora.dropout", {"variant.name": "sft"}, BASE)


def test_a_condition_may_name_a_setting_that_is_not_searched() -> None:
    space = {"lora.rank": Dimension(values=(4,), when={"lora.rslora": True})}
    assert not applies(space, "lora.rank", {}, BASE)
    assert applies(space, "lora.rank", {}, {"lora.rslora": True})


@given(seed=st.integers(0, 2**32), first=st.integers(1, 8), more=st.integers(0, 8))
def test_more_draws_begin_with_the_same_ones(seed: int, first: int, more: int) -> None:
    few = list(islice(draws(SPACE, BASE, seed), first))
    assert list(islice(draws(SPACE, BASE, seed), first + more))[:first] == few


@given(seed=st.integers(0, 2**32))
def test_draws_of_a_finite_space_are_all_of_it_and_end(seed: int) -> None:
    small = {"lora.rank": FINITE["lora.rank"], "variant.name": FINITE["variant.name"]}
    found = {identity(params) for params in draws(small, BASE, seed)}
    assert found == {identity(params) for params in grid(small, BASE)}


@given(seed=st.integers(0, 2**32), count=st.integers(1, 12))
def test_a_spread_uses_every_part_of_every_dimension_once(seed: int, count: int) -> None:
    space = {"a": Dimension(low=0.0, high=1.0), "b": Dimension(values=tuple(range(count)))}
    found = spread(space, {}, seed, count)
    assert sorted(params["b"] for params in found) == list(range(count))
    assert all(
        i / count - 1e-3 <= a <= (i + 1) / count + 1e-3
        for i, a in enumerate(sorted(p["a"] for p in found))
    )


def test_a_spread_of_five_has_both_variants() -> None:
    for seed in range(50):
        assert len({p["variant.name"] for p in spread(SPACE, BASE, seed, 5)}) == 2


bounds = st.tuples(st.integers(1, 1000), st.integers(1, 1000)).filter(
    lambda pair: pair[0] < pair[1]
)


@given(ends=bounds, unit=st.floats(0, 1, exclude_max=True), log=st.booleans(), whole=st.booleans())
def test_every_value_lies_in_its_range(
    ends: tuple[int, int], unit: float, log: bool, whole: bool
) -> None:
    low, high = ends if whole else (ends[0] / 7, ends[1] / 7)
    value = Dimension(low=low, high=high, log=log).at(unit)
    assert low <= value <= high
    assert isinstance(value, int) == whole


@example(ends=(384, 403), step=19, unit=0.0)  # 40.3 - 38.4 < 1.9
@given(ends=bounds, step=st.integers(1, 50), unit=st.floats(0, 1, exclude_max=True))
def test_stepped_values_are_among_the_finite_ones(
    ends: tuple[int, int], step: int, unit: float
) -> None:
    low, high = ends
    if step <= high - low:
        dimension = Dimension(low=low / 10, high=high / 10, step=step / 10)
        assert dimension.finite is not None
        assert dimension.at(unit) in dimension.finite
        assert max(dimension.finite) <= high / 10 + 1e-9
