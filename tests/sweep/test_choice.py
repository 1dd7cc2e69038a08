import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.records import Objective
from harness.sweep.choice import Candidate, front_of, to_confirm
from harness.sweep.spec import ConfirmSpec

OBJECTIVES = [Objective("a", True, 0.0, 1.0), Objective("b", True, 0.0, 1.0)]


def candidate(
    number: int,
    a: float,
    b: float,
    *,
    feasible: bool = True,
    variant: str = "sft",
    rank: int | None = None,
) -> Candidate:
    params = {"variant.name": variant, "lora.rank": number if rank is None else rank}
    return Candidate(number, params, (a, b), feasible)


#   0 (.1, .9)   1 (.5, .5)   2 (.9, .1)   3 (.4, .4) dominated   4 (.95, .95) infeasible
TRIALS = [
    candidate(0, 0.1, 0.9),
    candidate(1, 0.5, 0.5),
    candidate(2, 0.9, 0.1),
    candidate(3, 0.4, 0.4, variant="radis"),
    candidate(4, 0.95, 0.95, feasible=False, variant="radis"),
]


def test_the_front_is_feasible_and_not_dominated() -> None:
    assert front_of(TRIALS, OBJECTIVES) == (0, 1, 2)


def test_a_configuration_counts_once() -> None:
    again = candidate(5, 0.5, 0.5, rank=1)
    assert front_of([*TRIALS, again], OBJECTIVES) == (0, 1, 2)


@given(st.lists(st.integers(0, 15), min_size=1, max_size=12), st.integers(0, 12))
def test_the_front_of_a_front_and_what_is_new_is_that_of_all(ranks: list[int], known: int) -> None:
    trials = [
        candidate(number, rank % 4, rank // 4, feasible=rank % 5 > 0, rank=rank)
        for number, rank in enumerate(ranks)
    ]
    members = set(front_of(trials[:known], OBJECTIVES))
    rivals = [trial for trial in trials if trial.number in members or trial.number >= known]
    assert front_of(rivals, OBJECTIVES) == front_of(trials, OBJECTIVES)


#   5 (.5, .9) with the largest sum; 6 (.9, .4) and 7 (.85, .42) beside it on the front
CLEAR = [candidate(5, 0.5, 0.9), candidate(6, 0.9, 0.4), candidate(7, 0.85, 0.42)]


def test_the_representative_is_confirmed_first_and_then_who_adds_most_volume() -> None:
    def confirmed(at_most: int | None) -> tuple[int, ...]:
        return to_confirm(CLEAR, OBJECTIVES, ConfirmSpec(seeds=(7,), at_most=at_most))

    assert confirmed(1) == (5,)
    # to .45 of trial 5 comes .4 * .4 of trial 6, or .35 * .42 of trial 7
    assert confirmed(2) == (5, 6)
    assert confirmed(None) == (5, 6, 7)


def test_every_method_is_confirmed_by_its_feasible_representative() -> None:
    spec = ConfirmSpec(seeds=(7,), at_most=1, compare="variant.name")
    assert to_confirm([*TRIALS, *CLEAR], OBJECTIVES, spec) == (5, 3)


def test_the_representative_of_a_method_is_confirmed_beside_its_members_of_the_front() -> None:
    trials = [
        candidate(0, 0.9, 0.1),
        candidate(1, 0.8, 0.7, variant="radis"),
        candidate(2, 0.7, 0.6),  # sum 1.3, not on the front: of sft all the same
    ]
    spec = ConfirmSpec(seeds=(7,), compare="variant.name")
    assert to_confirm(trials, OBJECTIVES, spec) == (1, 0, 2)


def test_the_whole_front_of_each_method_may_be_confirmed() -> None:
    trials = [
        candidate(0, 0.1, 0.9),
        candidate(1, 0.5, 0.5),
        candidate(2, 0.4, 0.4),
        candidate(3, 0.45, 0.45, variant="radis"),
        candidate(4, 0.9, 0.05, variant="radis"),
        candidate(5, 0.99, 0.99, variant="radis", feasible=False),
    ]
    spec = ConfirmSpec(seeds=(7,), members="fronts", compare="variant.name")
    assert set(to_confirm(trials, OBJECTIVES, spec)) == {0, 1, 3, 4}
    fewer = ConfirmSpec(seeds=(7,), members="fronts", compare="variant.name", at_most=1)
    assert set(to_confirm(trials, OBJECTIVES, fewer)) == {0, 4}


def test_fronts_want_a_setting_to_tell_the_methods_apart() -> None:
    with pytest.raises(ValidationError, match="members fronts and no compare"):
        ConfirmSpec(seeds=(7,), members="fronts")


def test_all_complete_trials_may_be_confirmed() -> None:
    spec = ConfirmSpec(seeds=(7,), members="all")
    assert to_confirm(TRIALS, OBJECTIVES, spec) == (0, 1, 2, 3, 4)


def test_no_complete_trial_means_nothing_to_confirm() -> None:
    assert to_confirm([], OBJECTIVES, ConfirmSpec(seeds=(7,), compare="variant.name")) == ()


def test_points_beyond_no_reference_are_told_apart_by_their_merit() -> None:
    trials = [candidate(0, -0.5, -0.1), candidate(1, -0.1, -0.3)]
    assert to_confirm(trials, OBJECTIVES, ConfirmSpec(seeds=(7,), at_most=1)) == (1,)
