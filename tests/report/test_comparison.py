from dataclasses import replace

import pytest

from harness.records import Split, parse_key
from harness.report.comparison import compare_runs, compare_trials, together
from harness.report.comparison_tables import lines_table, overview
from harness.report.reference import reference_trial
from harness.statistics.bootstrap import Draws, holm
from harness.statistics.estimates import Estimates
from tests.synthetic import make_record, make_result

SEEDS = range(101, 111)
GENERAL = parse_key("pocket_general/summary_test")
TRANSLATION = parse_key("pocket_translation/summary_test")


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


def test_over_ten_seeds_a_real_gain_is_found_and_a_draw_is_not_called_one(ten_seeds):
    found = compare_runs(*ten_seeds, estimates=Estimates(Draws(600)))
    lines = by_key(found)
    assert lines[GENERAL].decision == "better"
    assert lines[GENERAL].difference.interval.low > 0
    assert lines[TRANSLATION].decision == "no difference shown"
    assert found.seeds == (tuple(SEEDS), tuple(SEEDS))
    assert lines[GENERAL].difference.seeds_paired
    assert lines[GENERAL].difference.num_items == 100


def test_a_comparison_turned_round_says_the_opposite(ten_seeds):
    radis, sft = ten_seeds
    estimates = Estimates(Draws(600))
    forth = by_key(compare_runs(radis, sft, estimates=estimates))
    back = by_key(compare_runs(sft, radis, estimates=estimates))
    for key, line in forth.items():
        assert back[key].difference.value == pytest.approx(-line.difference.value)
        assert back[key].difference.interval.low == pytest.approx(-line.difference.interval.high)
        assert back[key].p_value == pytest.approx(line.p_value)
    assert back[GENERAL].decision == "worse"


def test_where_lower_is_better_a_rise_is_worse(ten_seeds):
    line = by_key(compare_runs(*ten_seeds, estimates=Estimates(Draws(600))))[
        parse_key("pocket_translation/en_de_test/output_length")
    ]
    assert not line.higher_is_better
    assert line.difference.value > 0
    assert line.decision == "worse"


def test_other_signatures_are_named_and_not_compared(ten_seeds):
    radis, sft = ten_seeds
    key = parse_key("pocket_general/facts_test/exact_match")
    changed = [
        replace(run, scores={**run.scores, key: replace(run.scores[key], signature="other")})
        for run in radis
    ]
    found = compare_runs(changed, sft, estimates=Estimates(Draws(200)))
    assert key not in by_key(found)
    assert "different signatures" in found.incomparable[key]
    assert str(key) in found.incomparable[GENERAL]


def test_trials_are_compared_with_the_reference_and_the_base():
    record = make_record(num_items=30)
    reference = reference_trial(record).number
    others = [number for number in record.front if number != reference]
    pairs = compare_trials(record, num_resamples=200)
    assert [pair.with_base for pair in pairs] == [False] * len(others) + [True] * (len(others) + 1)
    assert all(pair.second.startswith(f"#{reference} · sft") for pair in pairs[: len(others)])
    assert [pair.first.partition(" ")[0] for pair in pairs] == [
        *[f"#{n}" for n in others],
        f"#{reference}",
        *[f"#{n}" for n in others],
    ]
    assert all(pair.confirmed for pair in pairs[len(others) + 1 :])


def test_confirmed_runs_are_compared_where_both_have_them():
    record = make_record(num_items=20, num_trials=5)
    fresh = tuple(make_result(seed=s, splits=("test",), num_items=20) for s in (101, 102, 103))
    trials = [replace(t, confirmed=fresh) if t.number == 1 else t for t in record.trials]
    pairs = compare_trials(replace(record, trials=tuple(trials)), num_resamples=200)
    assert pairs[0].confirmed
    assert pairs[0].seeds == ((101, 102, 103), (101, 102, 103))
    assert all(line.key.split is Split.TEST for line in pairs[0].summaries)


def test_with_one_seed_each_nothing_is_compared():
    assert compare_trials(make_record(seeds=(1,), fresh_seeds=(), num_items=20)) == ()


def test_the_tables_have_a_line_per_pair_and_per_score(ten_seeds):
    found = compare_runs(
        *ten_seeds, estimates=Estimates(Draws(200)), labels=("radis", "sft"), confirmed=True
    )
    table = overview([found], "comparison")
    assert table.title == "Against sft"
    assert "better" in " ".join(table.text()[0])
    assert table.text()[0][-2:] == ("10 and 10", "test")
    assert len(lines_table([found], scores=True).rows) == len(found.scores)
    assert overview([], "comparison") is None


def test_a_sweep_may_name_several_references():
    record = make_record(num_items=20)
    record = replace(record, spec={**record.spec, "against": ["sft", "radis"]})
    pairs = [pair for pair in compare_trials(record, num_resamples=200) if not pair.with_base]
    references = {pair.second.partition(" ")[0] for pair in pairs}
    assert references == {f"#{reference_trial(record, name).number}" for name in ("sft", "radis")}
    assert all(pair.first != pair.second for pair in pairs)


def test_summaries_are_adjusted_for_all_that_are_compared_with_one_reference(ten_seeds):
    alone = compare_runs(*ten_seeds, estimates=Estimates(Draws(600)))
    thrice = together([alone] * 3, 0.95)
    raw = [line.difference.p_value for line in alone.summaries] * 3
    assert tuple(line.p_value for pair in thrice for line in pair.summaries) == holm(raw)
    assert [pair.scores for pair in thrice] == [alone.scores] * 3
