import pytest

from harness.evaluation.summary import summarise
from harness.records import Score, SummaryPart, parse_key

VALIDATION, TEST = parse_key("a/summary"), parse_key("a/summary_test")
KEY = parse_key("a/one_validation/exact_match")


def score(value, metric="exact_match", signature="s"):
    return Score(metric, value, True, signature, ("1",), ((value, 1.0),))


def write(benchmarks):
    flipped = {"metric": "off_target", "worst": 0.5, "best": 0.0}
    benchmarks.write("a/one_validation")
    benchmarks.write(
        "a/two_validation", block={"metrics": ["off_target", "empty"], "summary": flipped}
    )
    benchmarks.write("a/three_test")
    benchmarks.write("a/aside_test", block={"summary": None})
    return benchmarks.find()


def test_a_summary_is_the_mean_on_a_common_scale_apart_for_each_split(benchmarks):
    scores = {
        parse_key("a/one_validation/exact_match"): score(0.8),
        parse_key("a/two_validation/off_target"): score(0.1, "off_target"),
        parse_key("a/three_test/exact_match"): score(0.25),
    }
    found = summarise(write(benchmarks), scores)
    assert found.values == {VALIDATION: pytest.approx(0.8), TEST: 0.25}
    assert found.missing == {}
    assert found.parts[VALIDATION] == (
        SummaryPart(parse_key("a/one_validation/exact_match"), 0.0, 1.0),
        SummaryPart(parse_key("a/two_validation/off_target"), 0.5, 0.0),
    )


def test_a_summary_with_an_unmeasured_part_is_absent_with_the_reason(benchmarks):
    only = {parse_key("a/one_validation/exact_match"): score(0.8)}
    found = summarise(write(benchmarks), only)
    assert found.values == {}
    assert found.missing == {
        VALIDATION: "not measured: a/two_validation/off_target",
        TEST: "not measured: a/three_test/exact_match",
    }


def test_the_scale_is_clipped():
    scale = SummaryPart(KEY, worst=0, best=50)
    assert [scale.scaled(value) for value in (-1, 0, 25, 50, 80)] == [0, 0, 0.5, 1, 1]
