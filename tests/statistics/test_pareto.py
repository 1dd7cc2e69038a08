import itertools
import math
import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics import pareto

VALUES = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]) | st.floats(0, 1, allow_nan=False)


@st.composite
def point_sets(draw, max_points=7):
    dimensions = draw(st.integers(1, 4))
    points = draw(st.lists(st.tuples(*[VALUES] * dimensions), min_size=1, max_size=max_points))
    return points, draw(st.tuples(*[st.booleans()] * dimensions))


def inclusion_exclusion(points, maximize, reference):
    boxes = [
        [
            max(0.0, v - r if more else r - v)
            for v, r, more in zip(p, reference, maximize, strict=True)
        ]
        for p in points
    ]
    return math.fsum(
        (-1) ** (size + 1) * math.prod(map(min, *chosen) if size > 1 else chosen[0])
        for size in range(1, len(boxes) + 1)
        for chosen in itertools.combinations(boxes, size)
    )


def dominates(first, second, maximize):
    gains = [(a - b) * (1 if up else -1) for a, b, up in zip(first, second, maximize, strict=True)]
    return min(gains) >= 0 < max(gains)


@given(point_sets())
def test_no_member_of_the_front_is_dominated_and_every_other_point_is_by_a_member(case):
    points, maximize = case
    members = pareto.front(points, maximize)
    assert members
    for index, point in enumerate(points):
        dominated = any(dominates(points[m], point, maximize) for m in members)
        assert dominated == (index not in members)


@given(point_sets(), st.randoms(use_true_random=False))
def test_the_front_does_not_depend_on_the_order_of_points(case, rng):
    points, maximize = case
    order = list(range(len(points)))
    rng.shuffle(order)
    shuffled = pareto.front([points[i] for i in order], maximize)
    assert sorted(order[i] for i in shuffled) == list(pareto.front(points, maximize))


@given(point_sets())
def test_hypervolume_equals_inclusion_and_exclusion_of_boxes(case):
    points, maximize = case
    reference = [0.1 if more else 0.9 for more in maximize]
    volume = pareto.hypervolume(points, maximize=maximize, reference=reference)
    assert volume == pytest.approx(inclusion_exclusion(points, maximize, reference), abs=1e-9)


@given(point_sets(), st.data())
def test_hypervolume_never_falls_when_a_point_is_added(case, data):
    points, maximize = case
    extra = data.draw(st.tuples(*[VALUES] * len(maximize)))
    reference = [0.0 if more else 1.0 for more in maximize]
    before = pareto.hypervolume(points, maximize=maximize, reference=reference)
    after = pareto.hypervolume([*points, extra], maximize=maximize, reference=reference)
    assert after >= before - 1e-12


@given(point_sets())
def test_hypervolume_over_trials_ends_at_each_prefix_of_the_trials(case):
    points, maximize = case
    reference = [0.0 if more else 1.0 for more in maximize]
    history = pareto.hypervolume_over_trials(
        [*points, None], maximize=maximize, reference=reference
    )
    prefixes = [
        pareto.hypervolume(points[: n + 1], maximize=maximize, reference=reference)
        for n in range(len(points))
    ]
    assert history == pytest.approx([*prefixes, prefixes[-1]], abs=1e-9)


@settings(max_examples=30)
@given(st.integers(1, 4), st.integers(1, 25), st.integers(0, 2**32 - 1))
def test_hypervolume_equals_optunas(dimensions, num_points, seed):
    from optuna._hypervolume import compute_hypervolume

    losses = np.random.default_rng(seed).uniform(size=(num_points, dimensions))
    reference = np.full(dimensions, 0.9)
    kept = losses[(losses < reference).all(axis=1)]
    expected = compute_hypervolume(kept, reference) if len(kept) else 0.0
    found = pareto.hypervolume(
        losses.tolist(), maximize=[False] * dimensions, reference=reference.tolist()
    )
    assert found == pytest.approx(expected, abs=1e-9)


def test_scale_divides_the_volume():
    points = [[60.0, 0.9], [70.0, 0.7]]
    plain = pareto.hypervolume(points, maximize=[True, True], reference=[50, 0.5])
    scaled = pareto.hypervolume(
        points, maximize=[True, True], reference=[50, 0.5], scale=[100, 0.5]
    )
    assert plain == pytest.approx(10 * 0.4 + 10 * 0.2)
    assert scaled == pytest.approx(plain / 50)


def test_points_no_better_than_the_reference_add_nothing():
    assert pareto.hypervolume([[0.5, 0.0]], maximize=[True, True], reference=[0, 0]) == 0
    assert pareto.hypervolume([], maximize=[True, True], reference=[0, 0]) == 0


def test_a_point_with_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        pareto.front([[math.nan, 1.0]], [True, True])


@pytest.mark.parametrize(
    ("maximize", "scale", "message"),
    [
        ([True] * 5, None, "5 objectives, allowed 1 to 4"),
        ([True], [0.0], "allowed numbers above 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(maximize, scale, message):
    with pytest.raises(ValueError, match=message):
        pareto.hypervolume(
            [[1.0] * len(maximize)], maximize=maximize, reference=[0.0] * len(maximize), scale=scale
        )


def test_the_front_of_two_hundred_trials_with_four_objectives_is_measured_in_seconds():
    rng = random.Random(0)
    points = []
    for _ in range(200):
        raw = [rng.random() ** 2 for _ in range(4)]
        points.append([value / math.hypot(*raw) for value in raw])
    start = time.process_time()
    pareto.hypervolume_over_trials(points, maximize=[True] * 4, reference=[0.0] * 4)
    assert time.process_time() - start < 10
