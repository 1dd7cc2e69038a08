import math
import random
from dataclasses import replace
from statistics import fmean, variance

import pytest
from scipy import stats

from harness.errors import EXIT_DONE, EXIT_NO, EXIT_UNDECIDED, ConfigError, DataError
from harness.gate.baseline import Baseline, Tolerance
from harness.gate.decide import compare, unknown_patterns
from harness.gate.verdict import Case
from harness.records import Purpose, Score, Split, SummaryKey, SummaryPart, parse_key
from harness.statistics.gating import GateDecision
from harness.trial.config import completed
from tests.synthetic import make_result

PASS, REGRESSION, UNDECIDED = GateDecision.PASS, GateDecision.REGRESSION, GateDecision.UNDECIDED
NEW = parse_key("suite/new/exact_match")
KEY = parse_key("suite/bench/exact_match")
FACTS = parse_key("pocket_general/facts_test/exact_match")


def score_of(values, *, metric="exact_match", signature="s", upwards=True):
    ids = tuple(f"item-{n}" for n in range(len(values)))
    statistics = tuple((float(value), 1.0) for value in values)
    return Score(metric, sum(values) / len(values), upwards, signature, ids, statistics)


def scored(
    values, *, key=KEY, signature="s", seed=1, upwards=True, variant="sft", config=None, tags=None
):
    score = score_of(values, metric=key.metric, signature=signature, upwards=upwards)
    empty = make_result(num_items=1, seed=seed, variant=variant)
    return replace(
        empty,
        scores={key: score},
        config=config or {"a": 1},
        tags=tags or {},
        unmeasured={},
        summaries={},
        summary_parts={},
    )


def judged(old, new, *, tolerance=0.02, gates=(), **settings):
    baseline = Baseline(Tolerance(default=tolerance, gates=gates), tuple(old))
    return compare(baseline, new, **settings)


def verdict(old, new, **settings):
    report = judged(old, new, **settings)
    assert len(report.verdicts) == 1
    return report.verdicts[0], report


def hits(rate, num_items=400, seed=0):
    rng = random.Random(seed)
    return [float(rng.random() < rate) for _ in range(num_items)]


def trained_runs(rates, num_items=400, first_seed=1):
    """Runs of one configuration: an item is hard or easy for all of them."""
    rng = random.Random("items")
    hard = [rng.random() for _ in range(num_items)]
    runs = []
    for seed, rate in enumerate(rates, start=first_seed):
        own = random.Random(f"run {seed}")
        values = [float(0.7 * item + 0.3 * own.random() < rate) for item in hard]
        runs.append(scored(values, seed=seed))
    return runs


# A run made again


def test_the_same_scores_pass_unchanged_even_without_tolerance():
    result = make_result(splits=("test",))
    report = compare(Baseline(Tolerance(default=0.0), (result,)), [result])
    assert report.case is Case.REPLAY
    assert report.outcome is PASS
    assert report.exit_code == EXIT_DONE
    assert {one.reason for one in report.verdicts} == {"unchanged"}


def test_all_right_stays_all_right():
    one, _ = verdict([scored([1.0] * 4)], [scored([1.0] * 4)])
    assert one.outcome is PASS


def test_a_benchmark_of_one_item_passes_unchanged_and_decides_nothing_else():
    assert verdict([scored([1.0])], [scored([1.0])])[0].outcome is PASS
    assert verdict([scored([1.0])], [scored([0.0])])[0].outcome is UNDECIDED


def test_a_clear_drop_is_a_regression():
    one, report = verdict([scored(hits(0.9))], [scored(hits(0.7))])
    assert one.outcome is REGRESSION
    assert report.exit_code == EXIT_NO
    assert one.change == pytest.approx(-0.2, abs=0.05)
    assert one.worst < one.change


def test_a_clear_gain_passes():
    assert verdict([scored(hits(0.7))], [scored(hits(0.9))])[0].outcome is PASS


def test_the_bound_of_a_run_made_again_is_the_paired_t_test_over_items():
    old, new = hits(0.8, 100, 1), hits(0.75, 100, 2)
    one, _ = verdict([scored(old)], [scored(new)])
    test = stats.ttest_rel(new, old, alternative="greater").confidence_interval(0.95)
    assert one.worst == pytest.approx(test.low, abs=1e-12)


@pytest.mark.parametrize(("before", "after", "outcome"), [(1, 0, REGRESSION), (0, 1, PASS)])
def test_all_items_changing_alike_is_the_clearest_of_changes(before, after, outcome):
    one, _ = verdict([scored([float(before)] * 50)], [scored([float(after)] * 50)])
    assert one.outcome is outcome


def test_a_drop_within_the_tolerance_passes_when_the_bound_is_within_it_too():
    old = [1.0] * 1000
    one, _ = verdict([scored(old)], [scored([0.0] * 10 + old[10:])], tolerance=0.02)
    assert one.outcome is PASS
    assert -0.02 < one.worst < one.change == pytest.approx(-0.01)


def test_what_is_open_is_undecided_and_names_the_items_that_would_decide():
    old, new = hits(0.8, 100, 1), hits(0.8, 100, 2)
    one, report = verdict([scored(old)], [scored(new)], tolerance=0.02)
    assert one.outcome is UNDECIDED
    assert report.exit_code == EXIT_UNDECIDED
    assert replace(report, undecided_passes=True).exit_code == EXIT_DONE
    assert one.items_needed > 100
    assert f"about {one.items_needed} items would decide" in one.reason


def test_where_lower_is_better_a_rise_is_the_regression():
    low, high = (scored(hits(rate), upwards=False) for rate in (0.1, 0.4))
    assert verdict([low], [high])[0].outcome is REGRESSION
    assert verdict([high], [low])[0].outcome is PASS


def test_the_items_that_changed_are_named():
    old = [1.0] * 50
    new = [*old[:10], 0.0, *old[11:]]
    one, _ = verdict([scored(old)], [scored(new)], tolerance=0.1)
    assert (one.outcome, one.changed) == (PASS, ("item-10",))


def test_rounding_of_another_machine_changes_no_item():
    old = [0.7 + n / 1000 for n in range(50)]
    one, _ = verdict([scored(old)], [scored([value + 1e-8 for value in old])])
    assert (one.outcome, one.changed) == (PASS, ())


def test_changes_that_cancel_out_are_not_called_unchanged():
    old = [scored([1.0, 0.0] * 10, seed=1), scored([0.0, 1.0] * 10, seed=2)]
    new = [scored([0.0, 1.0] * 10, seed=1), scored([1.0, 0.0] * 10, seed=2)]
    one, report = verdict(old, new)
    assert report.case is Case.REPLAY
    assert one.reason == "no worse than the tolerance"
    assert len(one.changed) == 20


def test_a_handful_of_items_decides_nothing():
    one, _ = verdict([scored([1.0] * 5)], [scored([0.0] * 5)])
    assert one.outcome is UNDECIDED
    assert one.items_needed == 6


def test_one_of_the_baselines_runs_is_compared_with_itself_alone():
    old = trained_runs((0.3, 0.5, 0.7))
    one, report = verdict(old, [old[2]])
    assert (report.case, report.baseline_seeds) == (Case.REPLAY, (3,))
    assert (one.outcome, one.reason, one.change) == (PASS, "unchanged", 0.0)


def test_what_the_run_of_the_baseline_lacks_is_undecided_for_its_replay():
    old = trained_runs((0.6,) * 3)
    twice = [replace(run, scores={**run.scores, NEW: run.scores[KEY]}) for run in old]
    report = judged([*twice[:2], old[2]], [twice[2]])
    found = {one.key: (one.outcome, one.reason) for one in report.verdicts}
    assert found[KEY] == (PASS, "unchanged")
    assert found[NEW] == (UNDECIDED, "not in every run of the baseline")
    assert replace(report, undecided_passes=True).exit_code == EXIT_UNDECIDED


def test_an_untrained_model_is_judged_over_its_items_whatever_the_seed_and_the_model():
    old = scored(hits(0.8, seed=1), variant="base", tags={"model/content": "a"})
    new = scored(hits(0.8, seed=1), variant="base", seed=7, tags={"model/content": "b"})
    one, report = verdict([old], [new])
    assert (report.case, report.seeds, one.outcome) == (Case.REPLAY, (), PASS)
    assert report.settings == ("model.path: other content",)


SETTINGS = {
    "variant": {
        "name": "sft",
        "source": {"adapter": "old"},
        "parts": [{"adapter": "there"}, {"adapter": "here"}],
    },
    "model": {"path": "models/a", "device": "auto"},
    "data": {"train": {"path": "corpus/train.jsonl"}},
    "train": {"learning_rate": 0.001},
    "eval": {"suites": ["mine"], "folder": "benchmarks"},
}
TAGS = {
    "model/content": "m",
    "corpus/train": "c",
    "content/variant.source.adapter": "a",
    "content/variant.parts.0.adapter": "b",
    "version/torch": "2.1",
    "model/device": "cpu",
}


def with_settings(*changes):
    config = {name: dict(section) for name, section in SETTINGS.items()}
    for section, name, value in changes:
        config[section][name] = value
    return config


@pytest.mark.parametrize(
    ("change", "tags"),
    [
        (("train", "max_grad_norm", 1.0), {}),
        (("train", "checkpoint_every", 50), {}),
        (("model", "path", "/elsewhere/a"), {}),
        (("model", "device", "cuda"), {"model/device": "cuda", "version/torch": "3.0"}),
        (("data", "train", {"path": "moved.jsonl"}), {}),
        (("eval", "folder", "/moved"), {}),
        (("variant", "source", {"adapter": "/moved"}), {}),
        (("variant", "parts", [{"adapter": "/moved"}, {"adapter": "here"}]), {}),
        (("eval", "suites", ["mine", "more"]), {}),
    ],
)
def test_defaults_places_and_machines_make_no_other_run(change, tags):
    old = scored(hits(0.8), config=with_settings(), tags=TAGS)
    new = scored(hits(0.8), config=with_settings(change), tags=TAGS | tags)
    report = judged([old], [replace(new, name="other", fingerprint="f")], completed=completed)
    assert (report.case, report.settings, report.outcome) == (Case.REPLAY, (), PASS)


@pytest.mark.parametrize(
    ("change", "tags", "said"),
    [
        (("train", "learning_rate", 0.002), {}, "train.learning_rate 0.001 / 0.002"),
        (("train", "max_grad_norm", 2.0), {}, "train.max_grad_norm 1.0 / 2.0"),
        (("variant", "name", "l2"), {}, "variant.name sft / l2"),
        (("model", "path", "models/a"), {"model/content": "n"}, "model.path: other content"),
        (("model", "path", "models/a"), {"corpus/train": "d"}, "data.train.path: other content"),
        (
            ("model", "path", "models/a"),
            {"content/variant.parts.0.adapter": "c"},
            "variant.parts.0.adapter: other content",
        ),
    ],
)
def test_another_value_or_content_makes_another_run_and_is_named(change, tags, said):
    old = scored(hits(0.8), config=with_settings(), tags=TAGS)
    new = scored(hits(0.8), config=with_settings(change), tags=TAGS | tags)
    report = judged([old], [new], completed=completed)
    assert (report.case, report.outcome) == (Case.RETRAINED, UNDECIDED)
    assert said in report.settings


def test_a_path_whose_content_nobody_noted_counts_by_its_text():
    old, same, other = (
        scored(hits(0.8), config={"model": {"path": path}}) for path in ("a", "a", "b")
    )
    assert judged([old], [same]).case is Case.REPLAY
    assert judged([old], [other]).settings == ("model.path a / b",)


# A new run


def test_the_bound_of_a_new_run_is_that_of_items_and_seeds():
    old = trained_runs((0.55, 0.6, 0.68, 0.6))
    new = trained_runs((0.6,), first_seed=11)
    one, report = verdict(old, new)
    assert (report.case, report.seeds, report.baseline_seeds) == (
        Case.RETRAINED, (11,), (1, 2, 3, 4)
    )  # fmt: skip
    tables = [[row[0] for row in run.scores[KEY].statistics] for run in old]
    last = [row[0] for row in new[0].scores[KEY].statistics]
    num_items, num_seeds = len(last), len(tables)
    means = [fmean(row) for row in tables]
    of_items = [fmean(column) for column in zip(*tables, strict=True)]
    v_items = variance([a - b for a, b in zip(of_items, last, strict=True)]) / num_items
    v_seeds = variance(means) * (1 + 1 / num_seeds)
    rest = sum(
        (tables[s][i] - means[s] - of_items[i] + fmean(means)) ** 2
        for s in range(num_seeds)
        for i in range(num_items)
    ) / ((num_items - 1) * (num_seeds - 1))
    v_rest = rest / num_items * (1 + 1 / num_seeds)
    total, n = v_seeds + max(0, v_items - v_rest), num_seeds - 1
    df = max(
        n,
        total**2
        / (
            v_items**2 / (num_items - 1)
            + max(v_seeds, v_rest) ** 2 / n
            + v_rest**2 / ((num_items - 1) * n)
        ),
    )
    half = max(stats.t.ppf(0.95, df) * math.sqrt(total), stats.t.ppf(0.95, n) * math.sqrt(v_seeds))
    assert one.worst == pytest.approx(fmean(last) - fmean(means) - half, abs=1e-12)


def test_seeds_that_scatter_widen_the_bound():
    steady, wild = trained_runs((0.6,) * 4), trained_runs((0.5, 0.7, 0.55, 0.65))
    new = trained_runs((0.6,), first_seed=11)
    narrow, wide = verdict(steady, new)[0], verdict(wild, new)[0]
    assert wide.change - wide.worst > 2 * (narrow.change - narrow.worst)
    assert wide.outcome is UNDECIDED


@pytest.mark.parametrize(
    ("rate", "tolerance", "outcome"),
    [(0.6, 0.1, PASS), (0.6, 0.001, UNDECIDED), (0.3, 0.05, REGRESSION), (0.9, 0.0, PASS)],
)
@pytest.mark.parametrize("num_new", [1, 2, 4])
def test_new_runs_are_judged_by_a_baseline_of_five_seeds(rate, tolerance, outcome, num_new):
    old = trained_runs((0.6, 0.59, 0.61, 0.6, 0.6))
    new = trained_runs((rate,) * num_new, first_seed=11)
    assert verdict(old, new, tolerance=tolerance)[0].outcome is outcome


@pytest.mark.parametrize("num_seeds", [1, 2])
def test_a_baseline_of_fewer_than_three_seeds_judges_no_new_run(num_seeds):
    old = trained_runs((0.9,) * num_seeds)
    one, report = verdict(old, trained_runs((0.3,), first_seed=11))
    assert (one.outcome, report.exit_code) == (UNDECIDED, EXIT_UNDECIDED)
    assert one.worst is None
    assert one.change < -0.5
    assert f"the baseline has {num_seeds} seed" in report.cannot


def test_a_baseline_of_an_untrained_model_judges_no_trained_run():
    old = [scored(hits(0.8), variant="base", seed=seed) for seed in (1, 2, 3)]
    _, report = verdict(old, [scored(hits(0.8), seed=1)])
    assert report.exit_code == EXIT_UNDECIDED
    assert "the baseline is of an untrained model" in report.cannot


def test_runs_made_again_beside_new_ones_are_refused():
    old = trained_runs((0.6,) * 3)
    with pytest.raises(DataError, match=r"scores: found seeds 3, 11, of which the baseline has 3"):
        judged(old, [old[2], *trained_runs((0.6,), first_seed=11)])


# What gates


def result_with(*scores, num_items=200, seed=1, purposes=None):
    """A result with scores: (key, share of hits)."""
    first = scored([1.0], seed=seed)
    made = {}
    for text, rate in scores:
        key = parse_key(text)
        upwards = key.metric not in {"truncated", "empty"}
        made[key] = score_of(hits(rate, num_items, 5), metric=key.metric, upwards=upwards)
    return replace(first, scores=made, purposes=purposes or {})


def test_diagnostics_inform_and_never_gate():
    before = (("mine/words_test/exact_match", 0.9), ("mine/words_test/truncated", 0.0))
    after = (("mine/words_test/exact_match", 0.9), ("mine/words_test/truncated", 0.9))
    report = judged([result_with(*before)], [result_with(*after)])
    assert report.exit_code == EXIT_DONE
    outcomes = {str(one.key): (one.outcome, one.gates) for one in report.verdicts}
    assert outcomes == {
        "mine/words_test/exact_match": (PASS, True),
        "mine/words_test/truncated": (None, False),
    }


def test_a_diagnostic_that_was_not_measured_is_shown_as_missing_and_fails_nothing():
    key = "mine/words_test/exact_match"
    old = result_with((key, 0.9), ("mine/words_test/truncated", 0.0))
    report = judged([old], [result_with((key, 0.9))])
    assert report.exit_code == EXIT_DONE
    missing = report.verdicts[1]
    assert (missing.candidate, missing.reason) == (None, "not measured")


def test_the_primary_metric_is_the_one_the_benchmark_names():
    purposes = {"mine/words_test": Purpose(Split.TEST, None, "empty")}
    scores = (("mine/words_test/exact_match", 0.9), ("mine/words_test/empty", 0.0))
    worse = (("mine/words_test/exact_match", 0.1), ("mine/words_test/empty", 0.0))
    report = judged(
        [result_with(*scores, purposes=purposes)], [result_with(*worse, purposes=purposes)]
    )
    assert report.exit_code == EXIT_DONE


@pytest.mark.parametrize("pattern", ["truncated", "*/truncated", "mine/words_test/trunc*"])
def test_patterns_say_what_gates(pattern):
    before = (("mine/words_test/exact_match", 0.9), ("mine/words_test/truncated", 0.0))
    after = (("mine/words_test/exact_match", 0.1), ("mine/words_test/truncated", 0.9))
    report = judged([result_with(*before)], [result_with(*after)], gates=(pattern,))
    assert [str(one.key) for one in report.gating] == ["mine/words_test/truncated"]
    assert report.exit_code == EXIT_NO


def test_patterns_that_fit_nothing_are_told():
    result = make_result(splits=("test",))
    assert unknown_patterns([result], ["general", "chrf", "*/comet", "nothing", "pocket_*"]) == [
        "*/comet", "nothing"
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="no score of it gates: found nothing among"):
        compare(Baseline(Tolerance(gates=("nothing",)), (result,)), [result])


def test_a_summary_gates_and_its_tolerance_is_its_axis():
    old, new = (make_result(splits=("test",), general=value) for value in (0.75, 0.73))
    tolerance = Tolerance(default=0.0, keys={"general": 0.9})
    report = compare(Baseline(tolerance, (old,)), [new])
    found = {str(one.key): one for one in report.verdicts}
    summary = found["pocket_general/summary_test"]
    assert (summary.gates, summary.tolerance, summary.outcome) == (True, 0.9, PASS)
    assert summary.num_items == 120
    assert found["pocket_general/facts_test/exact_match"].tolerance == 0.0


def test_a_summary_whose_parts_are_not_said_is_left_out():
    old = replace(make_result(splits=("test",)), summary_parts={})
    report = judged([old], [old])
    assert report.exit_code == EXIT_DONE
    assert {len(str(one.key).split("/")) for one in report.verdicts} == {3}


def test_only_what_gates_is_a_test_of_holms_family():
    keys = [f"mine/b{n}_test/exact_match" for n in range(4)]
    noise = [f"mine/b{n}_test/number_strict" for n in range(4)]
    old = result_with(*((key, 0.5) for key in (*keys, *noise)), num_items=100)
    rng = random.Random(3)
    made = {}
    for key, score in old.scores.items():
        values = [row[0] if rng.random() < 0.9 else 0.0 for row in score.statistics]
        made[key] = score_of([float(value) for value in values], metric=key.metric)
    report = judged([old], [replace(old, scores=made)])
    raw = {
        one.key: stats.ttest_rel(
            [row[0] for row in old.scores[one.key].statistics],
            [row[0] for row in made[one.key].statistics],
            alternative="greater",
        ).pvalue
        for one in report.gating
    }
    smallest = min(raw, key=raw.get)
    judged_smallest = next(one for one in report.gating if one.key == smallest)
    assert len(raw) == 4
    assert judged_smallest.p_value == pytest.approx(4 * raw[smallest], rel=1e-9)


# What cannot be judged


def test_a_score_that_gates_and_is_missing_is_an_error_with_its_reason():
    old = make_result(splits=("test",))
    scores = {key: score for key, score in old.scores.items() if key != FACTS}
    new = replace(old, scores=scores, unmeasured={FACTS: "no such file: facts.jsonl"}, summaries={})
    gates = ("exact_match",)
    with pytest.raises(DataError, match=r"scores: .*facts_test/exact_match: not measured \(no su"):
        compare(Baseline(Tolerance(gates=gates), (old,)), [new])


def test_a_score_missing_in_one_seed_names_the_seed():
    old = [replace(scored(hits(0.9), seed=seed)) for seed in (1, 2)]
    twice = [replace(run, scores={**run.scores, NEW: run.scores[KEY]}) for run in old]
    new = [twice[0], old[1]]
    with pytest.raises(DataError, match=r"suite/new/exact_match: .* in the run with seed 2"):
        judged(twice, new)


def test_a_run_of_other_splits_is_an_error_that_says_which():
    old, new = (make_result(splits=(split,)) for split in ("test", "validation"))
    with pytest.raises(DataError) as refused:
        judged([old], [new])
    assert (
        "it has validation scores of pocket_general/arithmetic_validation" in refused.value.message
    )
    assert "the baseline test scores of pocket_general/arithmetic_test" in refused.value.message


def test_other_benchmarks_are_an_error_that_says_which():
    old = scored(hits(0.9))
    new = replace(old, scores={NEW: old.scores[KEY]})
    with pytest.raises(DataError, match=r"scores of suite/new, the baseline .* of suite/bench"):
        judged([old], [new])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_is_an_error_that_names_it(value):
    old = scored(hits(0.9))
    new = replace(old, scores={KEY: replace(old.scores[KEY], value=value)})
    with pytest.raises(DataError, match=rf"scores: 0.scores.{KEY}.value: found {value}, allowed"):
        judged([old], [new])


def test_an_item_that_is_not_finite_is_an_error_that_names_its_score():
    old = scored([1.0, 0.0] * 10)
    statistics = ((math.nan, 1.0), *old.scores[KEY].statistics[1:])
    new = replace(old, scores={KEY: replace(old.scores[KEY], statistics=statistics)})
    with pytest.raises(DataError, match=rf"{KEY}.statistics: found a number that is not finite"):
        judged([old], [new])


def test_a_turned_direction_is_an_error_even_of_what_only_informs():
    before = (("mine/words_test/exact_match", 0.9), ("mine/words_test/truncated", 0.0))
    old = result_with(*before)
    key = parse_key("mine/words_test/truncated")
    turned = replace(old.scores[key], higher_is_better=True)
    with pytest.raises(DataError, match=rf"{key}: higher is better here, and worse in the base"):
        judged([old], [replace(old, scores={**old.scores, key: turned})])


def test_a_benchmark_that_changed_its_split_is_an_error_that_says_which():
    runs = [
        result_with(("mine/words/exact_match", 0.9), purposes={"mine/words": Purpose(split, None)})
        for split in Split
    ]
    with pytest.raises(DataError, match="mine/words: of the test split here, and of the valid"):
        judged(runs[:1], runs[1:])


@pytest.mark.parametrize("value", [0.9, math.nan])
def test_an_edited_summary_is_an_error(value):
    old = make_result(splits=("test",))
    key = SummaryKey("pocket_general", Split.TEST)
    with pytest.raises(DataError, match=r"summaries\.pocket_general/summary_test: found"):
        judged([old], [replace(old, summaries={**old.summaries, key: value})])


def test_another_signature_is_undecided_and_never_passes():
    one, report = verdict([scored(hits(0.9), signature="a")], [scored(hits(0.9), signature="b")])
    assert one.outcome is UNDECIDED
    assert "different signatures: a / b" in one.reason
    assert report.exit_code == EXIT_UNDECIDED
    assert replace(report, undecided_passes=True).exit_code == EXIT_UNDECIDED


def test_other_items_are_undecided_and_never_pass():
    one, report = verdict([scored(hits(0.9))], [scored(hits(0.9)[:-1])])
    assert one.outcome is UNDECIDED
    assert "not the same items: 1 are in one alone" in one.reason
    assert replace(report, undecided_passes=True).exit_code == EXIT_UNDECIDED


def test_a_summary_on_another_scale_is_undecided_and_never_passes():
    old = make_result(splits=("test",))
    key = SummaryKey("pocket_general", Split.TEST)
    parts = tuple(
        SummaryPart(part.key, part.worst, part.best * 2) for part in old.summary_parts[key]
    )
    value = fmean(part.scaled(old.scores[part.key].value) for part in parts)
    new = replace(
        old,
        summaries={**old.summaries, key: value},
        summary_parts={**old.summary_parts, key: parts},
    )
    report = judged([old], [new])
    one = next(one for one in report.verdicts if one.key == key)
    assert (one.outcome, one.compared) == (UNDECIDED, False)
    assert "other parts or scales" in one.reason
    assert replace(report, undecided_passes=True).exit_code == EXIT_UNDECIDED


def test_a_regression_outweighs_what_is_undecided():
    old, new = make_result(splits=("test",)), make_result(splits=("test",), general=0.2)
    key = parse_key("pocket_safety/harmful_test/exact_match")
    changed = replace(new.scores[key], signature="another")
    report = judged([old], [replace(new, scores={**new.scores, key: changed})])
    assert report.count(UNDECIDED) >= 1
    assert report.outcome is REGRESSION


def test_scores_only_the_candidate_has_are_named_not_compared():
    old = scored(hits(0.9))
    new = replace(old, scores={**old.scores, NEW: old.scores[KEY]})
    report = judged([old], [new])
    assert report.uncompared == (NEW,)
    assert report.outcome is PASS


@pytest.mark.parametrize("side", ["baseline", "scores"])
def test_a_value_that_was_edited_is_refused(side):
    result = scored(hits(0.9))
    edited = replace(result, scores={KEY: replace(result.scores[KEY], value=0.5)})
    sides = (edited, result) if side == "baseline" else (result, edited)
    with pytest.raises(DataError, match=rf"{side}: 0\.scores\.{KEY}\.value: found 0\.5"):
        verdict([sides[0]], [sides[1]])


def test_a_score_whose_file_lacks_its_settings_is_not_said_to_add_up_to_something():
    key = parse_key("suite/bench/chrf")
    of_order_4 = ((1.0,) * 12,) * 6
    score = Score("chrf", 50.0, True, "s", tuple("abcdef"), of_order_4)
    result = replace(scored([1.0] * 6), scores={key: score})
    with pytest.raises(DataError, match=r"found 50\.0, but its items cannot be added up"):
        verdict([result], [result])


def test_two_configurations_are_not_one_candidate():
    result = scored(hits(0.9))
    other = replace(result, config={"a": 2}, seed=2)
    with pytest.raises(DataError, match="scores: found 2 configurations"):
        verdict([result], [result, other])
    with pytest.raises(DataError, match="no results"):
        verdict([result], [])
