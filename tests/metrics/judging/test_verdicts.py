import math

import pytest

from harness.metrics.judging.verdicts import (
    preference_by_last_letter,
    preference_by_probability,
    preference_in_letters,
    rating,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is clear and complete. Rating: [[8]]", 8.0),
        ("Rating: [[7.5]]", 7.5),
        ("Rating: [[7.]]", 7.0),
        ("First I thought [[3]], but no: [[9]]", 9.0),
        ("The code says arr[[3]]. Rating: [[9]]", 9.0),
        ("[[ 8 ]]", 8.0),
        ("[[**8**]]", 8.0),
        ("[[rating: 8]]", 8.0),
        ("[[8 out of 10]]", 8.0),
        ("score [7/10]", 7.0),
        ("**Rating**: [9]", 9.0),
        ("I would give it [6].", 6.0),
        ("As in [1] it is shown. Rating: 9", None),
        ("The matrix [4] is right: 10/10", None),
        ("As shown in [2], it is good. Rating: [[6]]", 6.0),
        ("Rating: [5]", 5.0),
        ("Rating: [[10]]", 10.0),
        ("Rating: [[1]]", 1.0),
        ("Rating: [[rating]]", None),
        ("Rating: 8/10", None),
        ("Rating: [[8/10]]", 8.0),
        ("Rating: [[-3]]", None),
        ("Rating: [[11]]", None),
        ("Rating: [[0]]", None),
        ("In [2023] it was so.", None),
        ("It is said in [4].", None),
        ("The proof holds. [7]", 7.0),
        ("Rating [3], after [2] was read: rating [4]", 4.0),
        ("Rating: [[9]], as rows[[3]] shows", 9.0),
        ("Rating[[8]]", 8.0),
        ("**[[8]]**", 8.0),
        ("[[Rating: 7,5 / 10]]", 7.5),
        (r"\[\[8\]\]", 8.0),
        ("[[8/100]]", None),
        ("[[8]], though [[2023]] is a wrong year", 8.0),
        ("First [[8]], in the end [[0]]", None),
        ("[[7]] or [[8]]", None),
        ("[[7]] rather than [[5]]", 7.0),
        ("[[5]] -> [[6]]", 6.0),
        ("", None),
    ],
)
def test_a_rating_is_the_last_number_marked_as_one_from_1_to_10(text, expected):
    assert rating(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A is better: [[A]]", 1.0),
        ("[[B]]", 0.0),
        ("Both are good. [[C]]", 0.5),
        ('Not "[[B]]" but "[[A]]"', 1.0),
        ("[[C]] or rather [[B]]", 0.0),
        ("[[A]] seemed better, my verdict: [[B]]", 0.0),
        ("[[a]]", 1.0),
        ("[[ B ]]", 0.0),
        ("[[**B**]]", 0.0),
        ("[[A>B]]", 1.0),
        ("[[A>>B]]", 1.0),
        ("[[B > A]]", 0.0),
        ("[[A<B]]", 0.0),
        ("[[A=B]]", 0.5),
        ("[[tie]]", 0.5),
        ("[[Assistant A]]", 1.0),
        ("[[A>A]]", None),
        ("[[Verdict: A]]", 1.0),
        ("[[B]], not [[A]]", 0.0),
        ('"[[A]]" if A is better, "[[B]]" if B is, "[[C]]" for a tie: [[B]]', 0.0),
        ('[[B]]. ("[[A]]" if A is better, "[[C]]" for a tie)', 0.0),
        ("[[A]] or [[B]]", None),
        ("[[A]], [[B]]", None),
        ("[[A]]\n[[A]]", 1.0),
        ("[[D]]", None),
        ("[A]", None),
        ("Assistant A", None),
    ],
)
def test_of_the_verdicts_in_letters_the_last_one_marked_counts(text, expected):
    assert preference_in_letters(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m", 1.0),
        ("M", 0.0),
        (" M\n", 0.0),
        ("### Which is best, m or M?\nm", 1.0),
        ("`M`.", 0.0),
        ("I would take neither of them", None),
        ("ITEM", None),
        ("m or M? Hard to say", None),
        ("Hard to say: m or M", None),
        ("10m.", None),
        ("**m**", 1.0),
        ("_M_", 0.0),
        ("M: it says more", 0.0),
        ("m, and not M.", 1.0),
        ("m. Because it is longer.", 1.0),
        ("M\n\nIt is shorter.", 0.0),
        ("**M**", 0.0),
        ("Sure, I'm", None),
        ("I’m", None),
        ("It is 3 m", None),
        ("", None),
    ],
)
def test_the_last_letter_is_a_verdict_where_it_stands_alone(text, expected):
    assert preference_by_last_letter(text) == expected


def test_the_probability_of_m_is_taken_among_m_and_big_m():
    assert preference_by_probability({"m": math.log(0.2), "M": math.log(0.6)}) == pytest.approx(
        0.25
    )
    assert preference_by_probability({"m": -1.0, "the": -0.1}) == 1.0
    assert preference_by_probability({"the": -0.1}) is None


@pytest.mark.parametrize(
    ("read", "text", "expected"),
    [
        (rating, "<think>[[2]], or rather</think>\n\n[[8]]", 8.0),
        (rating, "it is weak: [[2]]</think>[[8]]", 8.0),
        (rating, "<think>[[2]], or ra", None),
        (preference_in_letters, "<think>[[A]]..</think>[[B]]", 0.0),
        (preference_in_letters, "<think>[[A]]", None),
        (preference_by_last_letter, "<think>m</think>M", 0.0),
        (preference_by_last_letter, "<think>so m", None),
        (preference_by_last_letter, "<think>so m</think>", None),
    ],
)
def test_verdicts_in_thoughts_count_for_nothing(read, text, expected):
    assert read(text) == expected
