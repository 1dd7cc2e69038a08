from dataclasses import replace

import pytest

from harness.report.answer import answer_of
from harness.report.comparison import compare_trials
from harness.report.marks import marks_of
from tests.synthetic import make_record, make_result

SEEDS = (101, 102, 103, 104, 105)


def record_of(*tuned, base=None, seeds=SEEDS, margins=None, num_items=60):
    """A sweep whose confirmed trials have these qualities on test; the base its own."""
    record = make_record(num_items=num_items, num_trials=len(tuned), fresh_seeds=())
    base = base or {"translation": 0.4, "general": 0.8, "safety": 0.9}
    trials = [
        replace(
            trial,
            confirmed=tuple(
                make_result(seed=seed, splits=("test",), num_items=num_items, **qualities)
                for seed in seeds
            ),
            violations={},
        )
        for trial, qualities in zip(record.trials, tuned, strict=False)
    ]
    untuned = make_result(variant="base", seed=0, num_items=num_items, name="base", **base)
    return replace(
        record, trials=tuple(trials), base=untuned, margins=margins or {"general": 0.2, "safety": 1}
    )


def answer(record):
    return answer_of(record, compare_trials(record), marks_of(record))


GAIN = {"translation": 0.9, "general": 0.8, "safety": 0.9}
LOSS = {"translation": 0.9, "general": 0.3, "safety": 0.9}
SAME = {"translation": 0.4, "general": 0.8, "safety": 0.9}


def test_what_gains_and_may_lose_no_more_than_its_margin_is_to_be_shipped():
    said = answer(record_of(GAIN))
    assert (said.kind, said.number) == ("ship", 0)
    assert said.sentence.startswith("Ship #0 · sft")
    assert "better than the untuned model in translation +0." in said.sentence
    assert said.sentence.endswith("(test, 240 items, 5 seeds).")


def test_what_gains_and_loses_is_a_trade_that_says_both():
    said = answer(record_of(LOSS))
    assert said.kind == "trade"
    assert "No trial is shown better than the untuned model without a loss" in said.sentence
    assert "gains translation +0." in said.sentence
    assert "loses general -0." in said.sentence


def test_where_a_loss_is_not_ruled_out_nothing_is_shipped_without_a_doubt():
    said = answer(record_of(GAIN, margins={"general": 0.0001}))
    assert said.kind == "open"
    assert "whether it loses elsewhere is undecided: general" in said.sentence


def test_where_nothing_is_better_it_says_so_and_names_a_guess():
    said = answer(record_of(SAME))
    assert said.kind == "nothing"
    assert said.sentence.startswith("Nothing is shown better than the untuned model (test, 240 ")
    assert "Best guess: #0 · sft" in said.sentence


def test_one_confirming_seed_shows_nothing_however_large_the_gain():
    said = answer(record_of(GAIN, seeds=(101,)))
    assert said.kind == "nothing"
    assert "(test, 240 items, 1 seed): one confirming seed can show nothing" in said.sentence


def test_one_to_be_shipped_goes_before_a_trade_that_gains_more():
    said = answer(record_of(LOSS, GAIN))
    assert (said.kind, said.number) == ("ship", 1)


@pytest.mark.parametrize("lacks", ["confirmation", "base"])
def test_without_test_data_of_both_nothing_can_be_shipped(lacks):
    record = record_of(GAIN)
    if lacks == "base":
        said = answer(replace(record, base=None))
        assert "the untuned model was not scored" in said.sentence
    else:
        trials = tuple(replace(trial, confirmed=()) for trial in record.trials)
        said = answer(replace(record, trials=trials))
        assert "no trial is confirmed on test data" in said.sentence
    assert (said.kind, said.number) == ("unconfirmed", None)
