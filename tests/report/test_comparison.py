from dataclasses import replace

import pytest

from harness.records import Split, parse_key
from harness.report.comparison import compare_runs, compare_trials, together
from harness.report.comparison_tables import lines_table, overview, said_of
from harness.report.marks import Marks
from harness.report.reference import reference_trial
from harness.statistics.comparing import Decision, holm
from tests.synthetic import make_record, make_result

SEEDS = range(101, 111)
GENERAL = parse_key("pocket_general/summary_test")
TRANSLATION = parse_key("pocket_translation/summary_test")
SAFETY = parse_key("pocket_safety/summary_test")


@pytest.fixture(scope="module")
def ten_seeds():
    sft = [make_result(seed=s, general=0.65, splits=("test",), num_items=50) for s in SEEDS]
    radis = [
        make_result(variant="radis", seed=s, general=0.8, splits=("test",), num_items=50)
        for s in SEEDS
    ]
    return radis, sft


def by_key(comparison):
    return {line.key: line for line in (*comparison.summaries, *comparison.scores)}


UNMARKED = Marks(frozenset(), {}, frozenset())


def test_over_ten_seeds_a_real_gain_is_found_and_a_draw_is_not_called_one(ten_seeds):
    pair = compare_runs(*ten_seeds)
    lines = by_key(pair)
    assert lines[GENERAL].decision is Decision.BETTER
    assert lines[GENERAL].difference.low > 0
    assert lines[TRANSLATION].decision not in {Decision.BETTER, Decision.WORSE}
    assert pair.seeds == (tuple(SEEDS), tuple(SEEDS))
    assert lines[GENERAL].difference.paired
    assert lines[GENERAL].difference.num_items == 100


def test_a_comparison_turned_round_says_the_opposite(ten_seeds):
    radis, sft = ten_seeds
    forth = by_key(compare_runs(radis, sft))
    back = by_key(compare_runs(sft, radis))
    for key, line in forth.items():
        assert back[key].difference.value == pytest.approx(-line.difference.value)
        if not line.difference.constant:
            assert back[key].difference.low == pytest.approx(-line.difference.high)
        assert back[key].p_value == pytest.approx(line.p_value)
    assert back[GENERAL].decision is Decision.WORSE


def test_the_margin_of_the_axis_or_of_the_metric_is_what_a_line_is_judged_by(ten_seeds):
    margins = {"translation": 5.0, "general": 0.001, "bleu": 3.0}
    lines = by_key(compare_runs(*ten_seeds, margins=margins))
    assert lines[TRANSLATION].decision is Decision.EQUIVALENT
    assert lines[TRANSLATION].margin == 5.0
    assert lines[parse_key("pocket_translation/en_de_test/bleu")].margin == 3.0
    assert lines[parse_key("pocket_general/facts_test/exact_match")].margin is None
    assert not lines[GENERAL].within_margin


def test_a_real_difference_that_is_too_small_to_matter_says_both(ten_seeds):
    pair = compare_runs(*ten_seeds, margins={"general": 0.9})
    line = by_key(pair)[GENERAL]
    assert line.within_margin
    assert said_of(line) == "better, within 0.9"


def test_where_lower_is_better_a_rise_is_worse(ten_seeds):
    key = parse_key("pocket_translation/en_de_test/output_length")
    line = by_key(compare_runs(*ten_seeds, primary=frozenset({key})))[key]
    assert not line.higher_is_better
    assert line.difference.value > 0
    assert line.decision is Decision.WORSE


def test_other_metrics_of_the_same_answers_are_shown_and_not_tested(ten_seeds):
    lines = by_key(compare_runs(*ten_seeds))
    for metric in ("chrf", "output_length"):
        line = lines[parse_key(f"pocket_translation/en_de_test/{metric}")]
        assert line.difference.low is not None
        assert (line.decision, line.p_value, said_of(line)) == (None, None, "not tested")
    scores = compare_runs(*ten_seeds).scores
    tested = [line.key.metric for line in scores if line.tested]
    assert tested == ["exact_match"] * 3 + ["bleu"]


def test_what_differs_in_no_item_is_no_test_of_the_family(ten_seeds):
    radis, sft = ten_seeds
    key = parse_key("pocket_safety/harmful_test/exact_match")
    same = [
        replace(
            run,
            scores={**run.scores, key: other.scores[key]},
            summaries={**run.summaries, SAFETY: other.summaries[SAFETY]},
        )
        for run, other in zip(radis, sft, strict=True)
    ]
    pair = compare_runs(same, sft)
    lines = by_key(pair)
    assert said_of(lines[SAFETY]) == "equal on every item"
    raw = [line.difference.p_value for line in pair.summaries if line.key != SAFETY]
    assert [line.p_value for line in pair.summaries if line.key != SAFETY] == list(holm(raw))


def test_other_signatures_are_named_and_not_compared(ten_seeds):
    radis, sft = ten_seeds
    key = parse_key("pocket_general/facts_test/exact_match")
    changed = [
        replace(run, scores={**run.scores, key: replace(run.scores[key], signature="other")})
        for run in radis
    ]
    pair = compare_runs(changed, sft)
    assert key not in by_key(pair)
    assert "different signatures" in pair.incomparable[key]
    assert "different signatures" in pair.incomparable[GENERAL]


@pytest.mark.parametrize("change", ["scale", "parts"])
def test_summaries_of_other_parts_or_scales_are_not_compared(ten_seeds, change):
    radis, sft = ten_seeds
    changed = []
    for run in radis:
        facts, sums = run.summary_parts[GENERAL]
        parts = (replace(facts, best=2.0), sums) if change == "scale" else (facts,)
        changed.append(replace(run, summary_parts={**run.summary_parts, GENERAL: parts}))
    for first, second in ((changed, sft), (sft, changed)):
        pair = compare_runs(first, second)
        assert GENERAL not in by_key(pair)
        assert pair.incomparable[GENERAL].startswith("summaries of other parts or scales")


def test_one_seed_of_a_trained_side_decides_nothing_however_large_the_difference():
    high = [make_result(variant="radis", general=0.95, splits=("test",))]
    low = [make_result(seed=s, general=0.3, splits=("test",)) for s in (1, 2, 3)]
    pair = compare_runs(high, low, margins={"general": 0.02})
    line = by_key(pair)[GENERAL]
    assert line.difference.items_only
    assert line.difference.low > 0
    assert (line.decision, line.p_value) == (Decision.UNDECIDED, None)
    assert "one seed: its intervals are of items alone" in overview([pair], "x", UNMARKED).note


def test_trials_are_compared_with_the_reference_and_the_base():
    record = make_record(num_items=30)
    reference = reference_trial(record).number
    others = [number for number in record.front if number != reference]
    pairs = compare_trials(record)
    assert [pair.with_base for pair in pairs] == [False] * len(others) + [True] * (len(others) + 1)
    assert all(pair.second.startswith(f"#{reference} · sft") for pair in pairs[: len(others)])
    firsts = [*others, reference, *others]
    assert [pair.numbers[0] for pair in pairs] == firsts
    assert [pair.first.partition(" ")[0] for pair in pairs] == [f"#{n}" for n in firsts]
    assert all(pair.confirmed for pair in pairs[len(others) + 1 :])


def test_the_margins_a_sweep_declares_decide():
    record = replace(make_record(num_items=20), margins={"general": 0.123})
    lines = [line for pair in compare_trials(record) for line in pair.summaries]
    assert {line.margin for line in lines if line.key.suite == "pocket_general"} == {0.123}
    assert {line.margin for line in lines if line.key.suite == "pocket_translation"} == {None}


def test_confirmed_runs_are_compared_where_both_have_them():
    record = make_record(num_items=20, num_trials=5)
    fresh = tuple(make_result(seed=s, splits=("test",), num_items=20) for s in (101, 102, 103))
    trials = [replace(t, confirmed=fresh) if t.number == 1 else t for t in record.trials]
    pairs = compare_trials(replace(record, trials=tuple(trials)))
    assert pairs[0].confirmed
    assert pairs[0].seeds == ((101, 102, 103), (101, 102, 103))
    assert all(line.key.split is Split.TEST for line in pairs[0].summaries)


def test_with_one_seed_each_everything_is_undecided():
    pairs = compare_trials(make_record(seeds=(1,), fresh_seeds=(), num_items=20))
    assert pairs
    decisions = {line.decision for pair in pairs for line in pair.summaries}
    assert decisions == {Decision.UNDECIDED}


def test_the_tables_have_a_line_per_pair_and_per_score(ten_seeds):
    pair = compare_runs(*ten_seeds, labels=("radis", "sft"), confirmed=True)
    table = overview([pair], "comparison", UNMARKED)
    assert table.title == "Against sft"
    assert "better" in " ".join(table.text()[0])
    assert table.text()[0][-2:] == ("10 and 10", "test")
    assert "One family of 3 summaries of suites, adjusted by Holm." in table.note
    lines = lines_table([pair], UNMARKED, scores=True)
    assert len(lines.rows) == len(pair.scores)
    assert "One family of 4 primary metrics of benchmarks, adjusted by Holm." in lines.note
    assert overview([], "comparison", UNMARKED) is None


def test_what_is_undecided_says_what_would_have_decided(ten_seeds):
    radis, sft = ten_seeds
    pair = compare_runs(radis[:3], sft[:3], margins={"translation": 0.001})
    line = by_key(pair)[TRANSLATION]
    assert line.decision is Decision.UNDECIDED
    assert line.needed.seeds is None or line.needed.seeds >= 5
    assert "0.001 by" in overview([pair], "comparison", UNMARKED).note
    row = next(r for r in lines_table([pair], UNMARKED, scores=False).rows if "transl" in r[2])
    assert row[9].startswith("0.001 by")


def test_a_sweep_may_name_several_references():
    record = make_record(num_items=20)
    record = replace(record, spec={**record.spec, "against": ["sft", "radis"]})
    pairs = [pair for pair in compare_trials(record) if not pair.with_base]
    references = {pair.second.partition(" ")[0] for pair in pairs}
    assert references == {f"#{reference_trial(record, name).number}" for name in ("sft", "radis")}
    assert all(pair.first != pair.second for pair in pairs)


def test_each_family_is_adjusted_for_all_that_are_compared_with_one_reference(ten_seeds):
    alone = compare_runs(*ten_seeds)
    thrice = together([alone] * 3)
    summaries = [line.difference.p_value for line in alone.summaries] * 3
    assert [line.p_value for pair in thrice for line in pair.summaries] == list(holm(summaries))
    primary = [line.difference.p_value for line in alone.scores if line.tested] * 3
    adjusted = [line.p_value for pair in thrice for line in pair.scores if line.tested]
    assert adjusted == list(holm(primary))
