import pytest

from harness.errors import DataError
from harness.evaluation.score import score_predictions
from harness.metrics.exact_match import ExactMatch
from harness.protocols import Services
from harness.records import Prediction


def score(metric, settings=None, **fields):
    fields = {"output": "", **fields}
    one = Prediction(
        **{"id": "1", "prompt": "p", "answer": fields["output"], **fields},
    )
    return score_predictions([one], metric, settings or {}, Services()).value


@pytest.mark.parametrize(
    ("answer", "target", "value"),
    [
        ("Toral.", "toral", 1.0),
        (" „Toral“! ", "Toral.", 1.0),
        ("Toral is it", "Toral", 0.0),
        ("3,5", "35", 0.0),
        ("a  b\nc", "A B C", 1.0),
        ("Cafe\u0301", "Café", 1.0),
        ("", "Toral", 0.0),
        ("...", "Toral", 0.0),
        ("**Paris**", "Paris", 1.0),
        ("**Paris.**", "Paris", 1.0),
        ('_"Paris"_', "Paris", 1.0),
        ("*Paris* or *Rome*", "Paris or Rome", 0.0),
        ("(A)", "A", 1.0),
        ("a)", "A", 1.0),
        ("[2].", "2", 1.0),
        ("**(B)**", "(B)", 1.0),
        ("(Paris)", "Paris", 0.0),
        ("A) Paris", "A", 0.0),
        ("it’s", "it's", 1.0),
        ("rock ʼn’ roll", "rock 'n' roll", 1.0),
        ("its", "it's", 0.0),
    ],
)
def test_exact_match_ignores_what_stands_around_an_answer_and_no_more(answer, target, value):
    assert score("exact_match", output=answer, target=target) == value


def test_exact_match_takes_any_reference_and_can_be_strict():
    assert score("exact_match", output="b", references=("a", "B")) == 1.0
    strict = {"ignore_case": False, "ignore_final_punctuation": False}
    assert score("exact_match", strict, output="b", references=("a", "B")) == 0.0
    assert ExactMatch(ignore_final_punctuation=False).normalised("A.") == "a."
    assert score("exact_match", strict, output="**b**", references=("b",)) == 0.0


@pytest.mark.parametrize(("text", "value"), [("", 1.0), (" \n.", 1.0), ("a", 0.0), ("犬", 0.0)])
def test_an_answer_without_letter_or_digit_is_empty(text, value):
    assert score("empty", output=text) == value


@pytest.mark.parametrize(
    ("output", "answer", "unparsed", "empty"),
    [
        ("Ein Forting.", "", 1.0, 1.0),
        ("Ein Forting.", "...", 1.0, 1.0),
        ("", "", 0.0, 1.0),
        (" \n.", "", 0.0, 1.0),
        ("so answer2", "answer2", 0.0, 0.0),
    ],
)
def test_what_was_said_without_an_answer_in_it_is_told_from_nothing_said(
    output, answer, unparsed, empty
):
    assert score("unparsed", output=output, answer=answer) == unparsed
    assert score("empty", output=output, answer=answer) == empty


def test_truncated_counts_outputs_the_limit_cut():
    assert score("truncated", finished=False) == 1.0
    assert score("truncated", finished=True) == 0.0


def test_output_length_is_the_mean_number_of_tokens():
    assert score("output_length", num_tokens=17) == 17.0


def choices(settings=None, **changes):
    extra = {"target_index": 1, "choice_texts": ["a", "abcdef"], **changes}
    return score("choice_accuracy", settings, choices=(-2.0, -3.0), extra=extra)


def test_the_most_likely_choice_must_be_right():
    assert choices() == 0.0
    assert choices(target_index=0) == 1.0


def test_likelihoods_can_be_divided_by_the_length_of_the_choice():
    assert choices({"normalise": "characters"}) == 1.0
    assert choices({"normalise": "bytes"}) == 1.0
    for texts in [], 2, ["a", 7]:
        with pytest.raises(DataError, match="choice_texts: allowed: the text of each of the 2"):
            choices({"normalise": "bytes"}, choice_texts=texts)


def test_an_index_that_is_no_choice_is_a_data_error():
    with pytest.raises(DataError, match="target_index: found 5, allowed: 0 to 1"):
        choices(target_index=5)
