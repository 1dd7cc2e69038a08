from dataclasses import replace
from itertools import islice, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError, TrainingError
from harness.records import Role
from harness.training import batches as module
from harness.training.batches import collate, cuts, micro_batches, number_of_steps, steps
from harness.training.prepare import prepare, self_test
from harness.training.spec import TrainSpec
from tests.training.bigram import row

WEIGHTS = {Role.TRANSLATION: 1.0}


def rows_of(*lengths):
    return prepare(
        [row("0" * n, "p" + "t" * (n - 1), f"r{i}") for i, n in enumerate(lengths)], WEIGHTS
    )


def cost(lengths, ends):
    groups = [lengths[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    return sum(module._START + len(group) * group[0] for group in groups)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=7), st.integers(1, 900))
def test_cuts_cost_least_of_all_ways_to_cut(lengths, max_tokens):
    lengths = sorted(lengths, reverse=True)
    ends = cuts(lengths, max_tokens)
    ways = []
    for flags in product((False, True), repeat=len(lengths) - 1):
        way = [index + 1 for index, cut in enumerate(flags) if cut] + [len(lengths)]
        groups = [lengths[a:b] for a, b in zip([0, *way], way, strict=False)]
        if all(len(g) == 1 or len(g) * g[0] <= max_tokens for g in groups):
            ways.append(cost(lengths, way))
    assert cost(lengths, ends) == min(ways)


def test_micro_batches_hold_every_row_once_and_keep_to_the_limit():
    rows = rows_of(9, 3, 30, 12, 50, 8, 8)
    made = micro_batches(rows, 60, 0)
    assert sum(batch.ids_BT.shape[0] for batch in made) == len(rows)
    assert sum(len(batch.targets_N) for batch in made) == sum(len(r) - 1 for r in rows)
    assert all(b.ids_BT.numel() <= 60 or b.ids_BT.shape[0] == 1 for b in made)


def test_padding_carries_no_loss():
    batch = collate(rows_of(2, 5), pad_id=2)
    assert batch.ids_BT.tolist() == [[0, 0, 2, 2, 2], [0] * 5]
    assert batch.loss_BT.int().tolist() == [[1, 0, 0, 0, 0], [1, 1, 1, 1, 0]]


def test_every_row_comes_once_an_epoch_in_an_order_of_its_own():
    rows = rows_of(*range(2, 25))
    epochs = list(islice(steps(rows, 4, seed=1), 12))
    names = [[r.example_id for step in epochs[i : i + 6] for r in step] for i in (0, 6)]
    assert sorted(names[0]) == sorted(names[1]) == sorted(r.example_id for r in rows)
    assert names[0] != names[1]


def test_the_order_comes_from_the_seed():
    rows = rows_of(*range(2, 25))

    def order(seed):
        return [r.example_id for step in islice(steps(rows, 4, seed), 6) for r in step]

    assert order(1) == order(1) != order(2)


def test_variants_with_the_same_prompts_meet_the_same_pairs():
    short = prepare([row("0" * n + "12", "p" * n + "tr", f"{n}") for n in range(1, 30)], WEIGHTS)
    both = {Role.TRANSLATION: 1.0, Role.RATIONALE: 1.0}
    long = prepare([row("0" * n + "12", "p" * n + "tr", f"{n}") for n in range(1, 30)], both)
    for mine, theirs in islice(zip(steps(short, 4, 1), steps(long, 4, 1), strict=True), 20):
        assert [r.example_id for r in mine] == [r.example_id for r in theirs]


def test_what_goes_along_late_joins_in_the_last_steps_alone():
    late = [replace(row("01", "pu", f"late{n}"), task=False) for n in range(4)]
    rows = [*rows_of(*[3] * 8), *prepare(late, {Role.UNWANTED: 1.0})]
    made = list(islice(steps(rows, 4, 1, {Role.UNWANTED: 3}), 6))
    assert [len(step) for step in made] == [4, 4, 4, 6, 6, 6]
    assert all(one.task for step in made[:3] for one in step)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({"steps": 7}, 7), ({"epochs": 2}, 8), ({"epochs": 0.5}, 2), ({}, 4)],
)
def test_steps_follow_from_steps_or_epochs(settings, expected):
    assert number_of_steps(rows_of(*[3] * 50), TrainSpec(batch_size=16, **settings)) == expected


def test_examples_without_loss_are_named():
    with pytest.raises(DataError, match=r"2 of 3 examples .* \(b, c\)"):
        prepare([row("01", "pt", "a"), row("01", "pp", "b"), row("01", "pr", "c")], WEIGHTS)


def test_the_first_token_is_predicted_from_nothing_and_never_counts():
    (made,) = prepare([row("011", "ttt")], WEIGHTS)
    assert made.counts == {Role.TRANSLATION: 2}


def test_a_weight_on_prompts_is_without_effect():
    (made,) = prepare([row("011", "ppt")], {Role.PROMPT: 1.0, Role.TRANSLATION: 1.0})
    assert made.targets_N.tolist() == [1]


def test_the_self_test_notices_a_loss_on_the_prompt():
    rows = [row("011", "ppt")]
    wrong = prepare([row("011", "ptt")], WEIGHTS)
    with pytest.raises(TrainingError, match="loss of example 'row' does not lie on its answer"):
        self_test(rows, wrong)


def test_the_self_test_notices_shifted_targets():
    with pytest.raises(TrainingError, match="self-test"):
        self_test([row("012", "ptt")], prepare([row("021", "ptt")], WEIGHTS))
