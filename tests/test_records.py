from dataclasses import replace

import pytest

from harness.records import (
    Axis,
    Objective,
    Purpose,
    ScoreKey,
    Split,
    SummaryKey,
    SummaryPart,
    parse_key,
    parse_score_key,
)
from tests.synthetic import make_result

FINAL = ScoreKey("mine", "final", Split.TEST, "chrf")


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (ScoreKey("mine", "en_fr_validation", Split.VALIDATION, "chrf"), None),
        (ScoreKey("mine", "en_fr_test", Split.TEST, "chrf"), "mine/en_fr_test/chrf"),
        (SummaryKey("mine", Split.VALIDATION), "mine/summary"),
        (SummaryKey("mine", Split.TEST), "mine/summary_test"),
    ],
)
def test_a_key_is_read_from_its_text_again(key, text):
    assert text in {None, str(key)}
    assert parse_key(str(key)) == key
    assert parse_key(str(key)).split is key.split


def test_what_a_benchmark_is_for_comes_before_what_its_name_says():
    purposes = {"mine/final": Purpose(Split.TEST, Axis.TRANSLATION)}
    assert parse_score_key("mine/final/chrf", purposes).split is Split.TEST
    assert parse_score_key("mine/final/chrf").split is Split.VALIDATION


def test_keys_of_equal_text_are_equal_whatever_is_known_of_their_split():
    assert parse_key("mine/final/chrf") == FINAL
    assert hash(parse_key("mine/final/chrf")) == hash(FINAL)


@pytest.mark.parametrize("text", ["", "mine", "mine/final", "mine/a/b/c", "summary"])
def test_other_texts_are_refused_with_the_forms_allowed(text):
    with pytest.raises(ValueError, match="allowed: SUITE/BENCHMARK/METRIC, SUITE/summary"):
        parse_key(text)
    with pytest.raises(ValueError, match="found 'mine/summary', allowed: SUITE/BENCHMARK/METRIC"):
        parse_score_key("mine/summary")


def test_the_stem_is_the_name_without_the_ending_of_its_own_split():
    assert parse_score_key("mine/en_fr_test/chrf").stem == "en_fr"
    assert FINAL.stem == "final"
    assert ScoreKey("mine", "old_validation", Split.TEST, "chrf").stem == "old_validation"


def result(**axes):
    (score,) = list(make_result(num_items=1).scores.values())[:1]
    keys = [ScoreKey("mine", name, Split.VALIDATION, "chrf") for name in axes]
    purposes = {key.path: Purpose(key.split, axes[key.benchmark]) for key in keys}
    scores = dict.fromkeys(keys, score)
    return replace(make_result(num_items=1), scores=scores, purposes=purposes)


def test_a_suites_axis_is_that_of_its_benchmarks_and_none_where_they_differ():
    suite = SummaryKey("mine", Split.VALIDATION)
    assert result(a=Axis.TRANSLATION, b=Axis.TRANSLATION).axis_of(suite) is Axis.TRANSLATION
    mixed = result(a=Axis.TRANSLATION, b=Axis.SAFETY)
    assert mixed.axis_of(suite) is None
    assert mixed.axis_of(ScoreKey("mine", "b", Split.VALIDATION, "chrf")) is Axis.SAFETY


def test_results_that_do_not_say_it_have_the_axis_of_their_suites_name():
    old = make_result(num_items=1)
    assert old.axis_of(parse_key("pocket_translation/summary")) is Axis.TRANSLATION
    assert old.axis_of(parse_key("pocket_general/summary")) is Axis.GENERAL


def test_the_merit_of_a_value_rises_with_how_good_it_is():
    assert Objective(FINAL, True, 0, 1).merit(0.7) == 0.7
    assert Objective(FINAL, False, 0, 1).merit(0.7) == -0.7


def with_primary(primary):
    """A benchmark scored by chrF and BLEU, in this order, its summary by BLEU."""
    (score,) = list(make_result(num_items=1).scores.values())[:1]
    keys = [ScoreKey("mine", "a", Split.TEST, metric) for metric in ("chrf", "bleu")]
    suite = SummaryKey("mine", Split.TEST)
    return replace(
        make_result(num_items=1),
        scores=dict.fromkeys(keys, score),
        summary_parts={suite: (SummaryPart(keys[1], worst=0, best=100),)},
        purposes={"mine/a": Purpose(Split.TEST, Axis.TRANSLATION, primary)},
    )


def primaries(result):
    return [key.metric for key in result.scores if result.is_primary(key)]


def test_the_primary_metric_is_the_one_its_benchmark_says():
    assert primaries(with_primary("chrf")) == ["chrf"]


def test_a_result_that_does_not_say_has_the_summarys_metric_as_primary_or_the_first():
    old = with_primary(None)
    assert primaries(old) == ["bleu"]
    assert old.is_primary(SummaryKey("mine", Split.TEST))
    assert primaries(replace(old, summary_parts={})) == ["chrf"]
