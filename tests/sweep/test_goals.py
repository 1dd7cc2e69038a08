import pytest

from harness.benchmarks.read import Absent, find_benchmarks
from harness.benchmarks.task import Summary
from harness.records import Key, Objective, Score, Split, SummaryKey, TrialResult, parse_key
from harness.statistics.constraints import parse_constraint
from harness.sweep.goals import Keys, ObjectiveSpec, judge, resolve
from harness.sweep.spec import SweepSpec

GENERAL, TRANSLATION = parse_key("general/summary"), parse_key("translation/summary")
BLEU = parse_key("translation/en_de/bleu")


def result(general: float | None, translation: float = 0.5) -> TrialResult:
    summaries = {TRANSLATION: translation}
    if general is not None:
        summaries[GENERAL] = general
    score = Score("bleu", translation * 100, True, "s", (), ())
    return TrialResult(
        "t",
        "f",
        {},
        "sft",
        1,
        {BLEU: score},
        {} if general is not None else {parse_key("general/facts/exact_match"): "no answers"},
        summaries,
        {},
        {},
        {},
        {},
    )


@pytest.mark.parametrize(
    ("text", "value", "base", "violation"),
    [
        ("general/summary >= 0.8", 0.7, None, 0.1),
        ("general/summary <= 0.8", 0.7, None, -0.1),
        ("general/summary >= -0.5", 0.0, None, -0.5),
        ("general/summary >= base", 0.7, 0.9, 0.2),
        ("general/summary >= base - 0.05", 0.85, 0.9, 0.0),
        ("general/summary<=base+.05", 1.0, 0.9, 0.05),
        ("general/summary >= 0.9 * base", 0.9, 1.0, 0.0),
        ("general/summary >= 0.5*base - 1e-1", 0.5, 1.0, -0.1),
    ],
)
def test_a_constraint_is_violated_by_the_distance_to_its_bound(
    text: str, value: float, base: float | None, violation: float
) -> None:
    assert parse_constraint(text).violation(value, base) == pytest.approx(violation)


@pytest.mark.parametrize(
    "text", ["general >", "general/summary == 1", "general/summary >= bas - 1", "x >= base * 2", ""]
)
def test_other_constraints_are_refused_with_the_forms_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"allowed: KEY >= NUMBER"):
        parse_constraint(text)


def test_objectives_and_constraints_are_means_over_the_seeds() -> None:
    objectives = [
        Objective(TRANSLATION, True, 0, 1),
        Objective(BLEU, True, 0, 100),
    ]
    judged = judge(
        [result(0.9, 0.4), result(0.7, 0.6)],
        result(0.9),
        objectives,
        [parse_constraint("general/summary >= base")],
    )
    assert judged.values == pytest.approx((0.5, 50))
    assert judged.violations["general/summary >= base"] == pytest.approx(0.1)


def test_what_was_not_measured_is_a_reason_not_a_number() -> None:
    objectives = [Objective(GENERAL, True, 0, 1)]
    judged = judge([result(0.9), result(None)], result(0.9), objectives, [])
    assert (
        judged.unmeasured
        == "general/summary was not measured (general/facts/exact_match: no answers)"
    )


def test_directions_come_from_the_metric(spec: SweepSpec) -> None:
    keys = Keys(find_benchmarks(spec.base.eval))
    empty = ObjectiveSpec(key="translation/en_de_validation/empty", reference=1.0, scale=1.0)
    assert not resolve(empty, keys).maximize
    test = SummaryKey("general", Split.TEST)
    usual = resolve(ObjectiveSpec(key="general/summary"), keys)
    assert usual == Objective(GENERAL, True, 0, 1, test)
    turned = ObjectiveSpec(key="general/summary", direction="minimize", reference=1, scale=0.5)
    assert resolve(turned, keys) == Objective(GENERAL, False, 1, 0.5, test)


def test_a_summary_that_lacks_a_benchmark_is_no_objective(spec: SweepSpec) -> None:
    scale = Summary(metric="exact_match", worst=0.0, best=1.0)

    def keys(split: Split, summary: Summary | None) -> Keys:
        absent = Absent("general", "sums", split, ("exact_match",), summary, None, "no sums.json")
        return Keys(find_benchmarks(spec.base.eval), [absent])

    fault = keys(Split.VALIDATION, scale).fault("general/summary")
    assert fault == "'general/summary' cannot be measured here: general/sums: no sums.json"
    assert keys(Split.TEST, scale).fault("general/summary") is None
    assert keys(Split.VALIDATION, None).fault("general/summary") is None


def test_a_validation_score_is_confirmed_by_name_by_twin_or_by_the_only_one(benchmarks) -> None:
    def confirming(name: str) -> str | None:
        keys = Keys(benchmarks.find())
        return name_of(keys.test_of(keys.choosing[f"mine/{name}/exact_match"]))

    def name_of(key: Key | None) -> str | None:
        return None if key is None else str(key)

    of_test = {"split": "test"}
    benchmarks.write("mine/dev")
    assert confirming("dev") is None
    benchmarks.write("mine/final", block=of_test)
    assert confirming("dev") == "mine/final/exact_match"
    benchmarks.write("mine/other", block=of_test)
    assert confirming("dev") is None
    benchmarks.write("mine/dev", block={"twin": "other"})
    assert confirming("dev") == "mine/other/exact_match"
    benchmarks.write("mine/dev_test")
    assert confirming("dev") == "mine/dev_test/exact_match"


def test_a_twin_without_the_metric_confirms_nothing(benchmarks) -> None:
    of_empty = {"metrics": ["empty"], "summary": None}
    benchmarks.write("mine/dev", block={"twin": "final"})
    benchmarks.write("mine/final", block={"split": "test", **of_empty})
    keys = Keys(benchmarks.find())
    assert "no test benchmark confirms 'mine/dev/exact_match'" in str(
        keys.unconfirmed("mine/dev/exact_match")
    )


def test_a_summary_is_confirmed_by_that_of_the_suites_test_benchmarks(benchmarks) -> None:
    def unconfirmed() -> str:
        return Keys(benchmarks.find()).unconfirmed("mine/summary") or ""

    benchmarks.write("mine/dev")
    assert "no test benchmark confirms 'mine/summary'" in unconfirmed()
    benchmarks.write("mine/final", block={"split": "test", "summary": None})
    assert "no test benchmark confirms 'mine/summary'" in unconfirmed()
    benchmarks.write("mine/final", block={"split": "test"})
    assert unconfirmed() == ""
