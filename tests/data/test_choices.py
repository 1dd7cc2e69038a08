"""Which choice an answer commits itself to."""

import pytest
from pydantic import ValidationError

from harness.data.choices import committed
from harness.data.extract import Extract

ANSWERS = {f"answer{number}": [str(number)] for number in range(1, 6)}
TRUTH = {"true": ["yes", "correct"], "false": ["no", "incorrect"]}


@pytest.mark.parametrize(
    ("output", "choice"),
    [
        ("the correct answer is answer3", "answer3"),
        ("answer3. answer1 is wrong because it is cold.", "answer3"),
        ("It is answer3, not answer1.", "answer3"),
        ("The answer is not answer1 but answer2.", "answer2"),
        ("answer1 is wrong. answer2 is not it. answer4 is right.", "answer4"),
        ("answer1 can't be, so I choose answer5.", "answer5"),
        ("Unlike answer1, answer2 fits.", "answer2"),
        ("answer1: light; answer2: paper. The correct answer is answer2.", "answer2"),
        ("answer1/answer2/answer3: I choose answer2", "answer2"),
        ("Answer format: answer1/answer2/answer3\nanswer2", "answer2"),
        ("Of answer1, answer2 or answer3 the best is answer3.", "answer3"),
        ("The correct answer is answer2. Some would say answer4.", "answer2"),
        ("Answer 3", "answer3"),
        ("Answer: 3", "answer3"),
        ("Answer #3", "answer3"),
        ("ANSWER_3", "answer3"),
        ("**answer 3**", "answer3"),
        ("Answer3: Planetary days will become shorter.", "answer3"),
        ("3", "answer3"),
        ("(3)", "answer3"),
        ("3. paper", "answer3"),
        ("**3**", "answer3"),
        ("Option 3", "answer3"),
        ("The answer is 3.", "answer3"),
        ("answer3\n\nExplanation: answer1 was tempting.", "answer3"),
        ("answer7", ""),
        ("answer33", ""),
        ("There are 3 days in it.", ""),
        ("3.5 metres", ""),
        ("answer1 or answer2", ""),
        ("Answer1: light Answer2: paper Answer3: salt", ""),
        ("Answer1: light Answer2: paper.\n\nanswer2", "answer2"),
        ("I do not know.", ""),
        ("", ""),
    ],
)
def test_of_several_answers_the_first_committed_one_counts(output, choice):
    assert committed(output, ANSWERS) == choice


@pytest.mark.parametrize(
    ("output", "choice"),
    [
        ("false. It is not true that ice is hot.", "false"),
        ("true. It would be false to say otherwise.", "true"),
        ("not true", "false"),
        ("Is it true? No.", "false"),
        ("True? Yes, it is.", "true"),
        ("This is not false.", "true"),
        ("That isn't true.", "false"),
        ("It is true that it is cold, but the answer is false.", "false"),
        ("True or false? True.", "true"),
        ("true/false", ""),
        ("Neither true nor false.", ""),
        ("That is untrue.", ""),
        ("Yes", "true"),
        ("Yes, it is.", "true"),
        ("No.", "false"),
        ("**No**", "false"),
        ("The answer is yes.", "true"),
        ("There is no evidence, so it is true.", "true"),
        ("There is no evidence.", ""),
        ("FALSE", "false"),
    ],
)
def test_of_two_choices_a_denied_one_is_the_other(output, choice):
    assert committed(output, TRUTH) == choice


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"rule": "choice"}, "`choices` go with"),
        ({"rule": "all", "choices": TRUTH}, "`choices` go with"),
        ({"rule": "choice", "choices": {"true": []}}, "two or more"),
        ({"rule": "choice", "choices": {"true": [], "?": []}}, "a letter or digit"),
        ({"rule": "choice", "choices": {"a": ["x"], "b": ["X"]}}, "given twice"),
    ],
)
def test_choices_are_two_or_more_of_different_forms(settings, fault):
    with pytest.raises(ValidationError, match=fault):
        Extract(**settings)
