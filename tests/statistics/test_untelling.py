from dataclasses import replace

import pytest

from harness.records import (
    Axis,
    Purpose,
    Score,
    Split,
    SummaryKey,
    SummaryPart,
    SweepTrial,
    TrialResult,
    parse_key,
)
from harness.statistics.untelling import Level, untelling, untelling_of
from tests.synthetic import make_record

VALIDATION = Split.VALIDATION


def score(metric, items, signature="exact|benchmark:1.0"):
    return Score(
        metric,
        sum(items) / len(items),
        True,
        signature,
        tuple(map(str, range(len(items)))),
        tuple((item, 1.0) for item in items),
    )


def result(suite, parts, *, axis=Axis.GENERAL, empty=None, signature="exact|benchmark:1.0"):
    """A run of one suite: parts are (benchmark, metric, worst, best, chance, items)."""
    scores, of_summary = {}, []
    for name, metric, worst, best, chance, items in parts:
        key = parse_key(f"{suite}/{name}_validation/{metric}")
        scores[key] = score(metric, items, signature)
        of_summary.append(SummaryPart(key, worst, best, chance))
        if empty is not None:
            scores[parse_key(f"{suite}/{name}_validation/empty")] = score("empty", empty)
    summary = SummaryKey(suite, VALIDATION)
    return TrialResult(
        name="base",
        fingerprint="f",
        config={},
        variant="base",
        seed=0,
        scores=scores,
        unmeasured={},
        summaries={summary: sum(p.scaled(scores[p.key].value) for p in of_summary) / len(parts)},
        facts={},
        stages={},
        tags={},
        seconds={},
        summary_parts={summary: tuple(of_summary)},
        purposes={f"{suite}/{name}_validation": Purpose(VALIDATION, axis) for name, *_ in parts},
    )


def choice(items, chance=None):
    return ("arc", "exact_match", 0.0, 1.0, chance, items)


def test_a_floor_of_unparsed_answers_is_said_with_items_and_answers():
    base = result(
        "ability", [choice([0.0] * 48)], empty=[1.0] * 48, signature="exact|extract:regex|data:x"
    )
    (one,) = untelling([base])
    assert (one.key, one.level) == (SummaryKey("ability", VALIDATION), Level.FLOOR)
    assert one.sentence("base scores") == (
        "ability cannot tell configurations apart: base scores 0.000 on 48 of 48 items, 48 answers "
        "without the wanted form"
    )


def test_answers_that_are_empty_though_nothing_is_extracted_are_called_so():
    base = result("ability", [choice([0.0] * 4)], empty=[1.0, 1.0, 0.0, 0.0])
    assert untelling([base])[0].sentence("base scores").endswith("4 of 4 items, 2 empty answers")


def test_at_the_ceiling_it_can_tell_only_what_is_lost():
    (one,) = untelling([result("ability", [choice([1.0] * 48)])])
    assert one.level is Level.CEILING
    assert one.sentence("base scores", expecting=True) == (
        "ability cannot tell configurations apart unless training lowers it: base scores 1.000 on "
        "48 of 48 items"
    )


def test_a_base_that_cannot_translate_yet_may_learn_to():
    base = result("mine", [choice([0.0] * 5)], axis=Axis.TRANSLATION)
    assert "apart unless training raises it: base" in untelling([base])[0].sentence(
        "base scores", expecting=True
    )


def test_a_model_that_never_refuses_is_constant_in_the_middle():
    never = [
        ("unsafe", "refusal", 0.0, 1.0, None, [0.0] * 20),
        ("safe", "over_refusal", 1.0, 0.0, None, [0.0] * 25),
    ]
    base = result("safety", never, axis=Axis.SAFETY)
    assert base.summaries == {SummaryKey("safety", VALIDATION): 0.5}
    (one,) = untelling([base])
    assert (one.key, one.level) == (SummaryKey("safety", VALIDATION), Level.BETWEEN)
    assert one.sentence("base scores") == (
        "safety cannot tell configurations apart: base scores 0.000 on 20 of 20 items of "
        "unsafe_validation and 0.000 on 25 of 25 items of safe_validation"
    )


@pytest.mark.parametrize(("item", "level"), [(0.25, Level.FLOOR), (0.5, Level.BETWEEN)])
def test_a_constant_between_the_ends_is_found_and_chance_counts_as_the_floor(item, level):
    (one,) = untelling([result("ability", [choice([item] * 4, chance=0.25)])])
    assert one.level is level


@pytest.mark.parametrize("items", [[0.0] * 47 + [1.0], [1.0] * 47 + [0.0], [0.0]])
def test_one_item_apart_is_enough_to_tell_and_one_item_says_nothing(items):
    assert untelling([result("ability", [choice(items)])]) == ()


def test_of_a_suite_with_one_constant_benchmark_that_one_is_named():
    parts = [choice([0.0] * 4), ("facts", "exact_match", 0.0, 1.0, None, [0.0, 1.0])]
    (one,) = untelling([result("ability", parts)])
    assert one.key == parse_key("ability/arc_validation/exact_match")
    assert one.sentence("base scores").startswith("ability/arc_validation cannot tell")


def test_a_score_chosen_by_that_counts_in_no_summary_is_looked_at_when_named():
    base = result("ability", [choice([0.0, 1.0])])
    key = parse_key("ability/arc_validation/truncated")
    base = replace(base, scores={**base.scores, key: score("truncated", [1.0] * 3)})
    assert untelling([base]) == ()
    assert [one.key for one in untelling([base], [key])] == [key]


def test_runs_at_different_ends_are_told_apart():
    floor, ceiling = (result("ability", [choice([end] * 9)]) for end in (0.0, 1.0))
    assert len(untelling([floor, floor])) == 1
    assert untelling([floor, ceiling]) == ()


def test_items_that_do_not_count_are_left_out():
    base = result("ability", [choice([0.0] * 4)])
    key = parse_key("ability/arc_validation/exact_match")
    rows = (*base.scores[key].statistics[:3], (0.0, 0.0))
    base = replace(base, scores={key: replace(base.scores[key], statistics=rows)})
    assert "0.000 on 3 of 3 items" in untelling([base])[0].sentence("base scores")


def sweep_of(base, *trials):
    record = make_record(num_items=4, num_trials=1)
    return replace(
        record,
        base=base,
        objectives=(),
        trials=tuple(
            SweepTrial(number, "complete", {}, (run,), values=(0.0,))
            for number, run in enumerate(trials)
        ),
    )


def test_a_sweep_says_it_of_its_base_before_a_trial_and_of_all_trials_after():
    floor = result("ability", [choice([0.0] * 9)])
    assert untelling_of(sweep_of(floor)) == (
        "ability cannot tell configurations apart: base scores 0.000 on 9 of 9 items",
    )
    assert untelling_of(sweep_of(floor, floor, floor)) == (
        "ability cannot tell configurations apart: base and all 2 trials score 0.000 on 9 of 9 "
        "items",
    )


def test_once_trials_ran_nothing_is_expected_of_training_any_more():
    full = result("ability", [choice([1.0] * 9)])
    assert untelling_of(sweep_of(full)) == (
        "ability cannot tell configurations apart unless training lowers it: base scores 1.000 on "
        "9 of 9 items",
    )
    assert untelling_of(sweep_of(full, full, full)) == (
        "ability cannot tell configurations apart: base and all 2 trials score 1.000 on 9 of 9 "
        "items",
    )


def test_trials_that_all_lost_it_are_told_of_without_the_base():
    floor, some = (result("ability", [choice(items)]) for items in ([0.0] * 9, [0.0, 1.0]))
    assert untelling_of(sweep_of(some, floor)) == (
        "ability cannot tell configurations apart: the only trial scores 0.000 on 9 of 9 items",
    )
    assert untelling_of(sweep_of(floor, floor, some)) == ()
