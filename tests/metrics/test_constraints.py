import pytest

from harness.errors import DataError
from harness.evaluation.score import score_predictions
from harness.metrics.shared.constraints import KINDS, faults_of, holds, list_items
from harness.protocols import Services
from harness.records import Prediction


@pytest.mark.parametrize(
    ("constraint", "kept", "broken"),
    [
        ({"kind": "capitals"}, "A DOG, STRASSE 3!", "A Dog"),
        ({"kind": "capitals"}, "DIE STRAßE", "123"),
        ({"kind": "lowercase"}, "a dog 3", "A dog"),
        ({"kind": "contains", "text": "cat"}, "The CAT sleeps.", "The category"),
        ({"kind": "contains", "text": "Good luck!"}, "Bye. Good luck!", "Good luck."),
        ({"kind": "excludes", "text": "cat"}, "The category", "A cat."),
        ({"kind": "starts_with", "text": "Yes"}, ' "yes, of course"', "Oh yes"),
        ({"kind": "ends_with", "text": "That is all."}, "A dog. THAT IS ALL. ", "That is all. Bye"),
        ({"kind": "list_exactly", "count": 3}, "- a\n- b\n- c", "- a\n- b"),
        ({"kind": "list_exactly", "count": 3}, "Here:\n1. a\n2) b\n3. c", "a, b"),
        ({"kind": "list_exactly", "count": 3}, "cat, dog and bird.", "cat, dog, bird, fish"),
        ({"kind": "list_exactly", "count": 2}, "Hund und Katze", "Hund"),
        ({"kind": "min_words", "count": 2}, "two words", "one"),
        ({"kind": "max_words", "count": 2}, "it's two-fold", "one two three"),
        ({"kind": "exactly_words", "count": 1}, "Toral.", "The Toral"),
        ({"kind": "no_commas"}, "one two", "one, two"),
        ({"kind": "one_paragraph"}, "one\ntwo\n", "one\n\ntwo"),
    ],
)
def test_a_constraint_tells_kept_from_broken(constraint, kept, broken):
    assert faults_of([constraint]) == []
    assert holds(constraint, kept)
    assert not holds(constraint, broken)


def test_every_kind_has_a_case_above():
    (mark,) = test_a_constraint_tells_kept_from_broken.pytestmark
    assert {case[0]["kind"] for case in mark.args[1]} == set(KINDS)


def test_items_of_a_list_are_its_marked_lines_else_its_lines_else_what_commas_separate():
    assert list_items("Sure:\n* a b\n* c") == ["a b", "c"]
    assert list_items("one\ntwo") == ["one", "two"]
    assert list_items("red, green, and blue") == ["red", "green", "blue"]
    assert list_items("") == []


@pytest.mark.parametrize(
    ("constraints", "message"),
    [
        ("capitals", "found 'capitals', allowed: a list"),
        ([], "found [], allowed: a list"),
        (["capitals"], "0: found 'capitals', allowed: a mapping with `kind`"),
        ([{"kind": "capitols"}], "0: kind: unknown kind of constraint 'capitols'; did you mean"),
        ([{"kind": "contains"}], "0: text: missing, contains needs str"),
        ([{"kind": "contains", "text": 3}], "0: text: found 3, allowed: str"),
        ([{"kind": "list_exactly", "count": True}], "0: count: found True, allowed: int"),
        ([{"kind": "capitals", "count": 3}], "0: count: no such argument of capitals"),
    ],
)
def test_a_malformed_constraint_says_what_is_allowed(constraints, message):
    (fault,) = faults_of(constraints)
    assert message in fault


def score(answer, constraints):
    one = Prediction(
        id="1", prompt="p", output=answer, answer=answer, extra={"constraints": constraints}
    )
    return score_predictions([one], "constraints", {}, Services())


def test_an_item_scores_when_all_its_constraints_are_kept():
    both = [{"kind": "capitals"}, {"kind": "contains", "text": "DOG"}]
    assert score("A DOG", both).value == 1.0
    assert score("A CAT", both).value == 0.0
    assert score("A CAT", both).classes == ("broken",)


def test_an_empty_answer_keeps_nothing():
    assert score(" ", [{"kind": "excludes", "text": "dog"}]).value == 0.0


def test_malformed_constraints_are_a_data_error_that_names_the_item():
    with pytest.raises(DataError, match=r"item '1': constraints.0: kind: unknown kind"):
        score("A", [{"kind": "capitols"}])
