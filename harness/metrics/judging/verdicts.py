"""What a judge's words say: a rating from 1 to 10, or which of two answers it prefers.

The rules are FastChat's (``llm_judge/common.py``) and AlpacaEval's, with two deviations that keep
what is no verdict from becoming one: a number outside of 1 to 10 is no rating ("[2023]" quoted from
an answer), and the letter m at the end of a word is no verdict ("neither of them"). Of a judge that
thinks aloud only what is behind its thoughts is read, in which it may well try verdicts out.
"""

import math
import re
from collections.abc import Mapping

from harness.models.thoughts import split_thoughts

RULE_VERSION = 2
"""Raised when a rule changes, so that old scores are not compared with new ones."""

_RATING = re.compile(r"\[\[(\d+\.?\d*)\]\]")
_IN_SINGLE_BRACKETS = re.compile(r"\[(\d+\.?\d*)\]")
_LAST_LETTER = re.compile(r"(?<![A-Za-z])([mM])\W*$")
_POINTS = (("[[A]]", 1.0), ("[[B]]", 0.0), ("[[C]]", 0.5))


def rating(text: str) -> float | None:
    """The first number in double brackets, else the first in single ones; None without.

    >>> rating("Good. Rating: [[7.5]]"), rating("Rating: [8]"), rating("I would say 8.")
    (7.5, 8.0, None)
    """
    said = _said(text)
    match = _RATING.search(said) or _IN_SINGLE_BRACKETS.search(said)
    number = None if match is None else float(match[1])
    return number if number is not None and 1 <= number <= 10 else None


def preference_in_letters(text: str) -> float | None:
    """1 where the answer shown first is preferred, 0 the second, .5 a tie; None without a verdict.

    Of several verdicts A comes before B before C, wherever they stand.

    >>> preference_in_letters("My final verdict is: [[B]]"), preference_in_letters("B")
    (0.0, None)
    """
    said = _said(text)
    return next((points for mark, points in _POINTS if mark in said), None)


def preference_by_last_letter(text: str) -> float | None:
    """The same, where m names the answer shown first and M the second; there are no ties.

    >>> preference_by_last_letter("m"), preference_by_last_letter("Which is best? M.")
    (1.0, 0.0)
    """
    found = _LAST_LETTER.search(_said(text))
    return None if found is None else float(found[1] == "m")


def preference_by_probability(alternatives: Mapping[str, float]) -> float | None:
    """The probability of m among m and M as the first token; None where neither is listed.

    Args:
        alternatives: Log-probability by token.

    >>> import math
    >>> round(preference_by_probability({"m": math.log(0.6), "M": math.log(0.2), "x": -3.0}), 9)
    0.75
    """
    first, second = (math.exp(alternatives.get(letter, -math.inf)) for letter in "mM")
    return first / (first + second) if first + second else None


def _said(text: str) -> str:
    """What a judge says in the end; nothing where it was cut in its thoughts."""
    return split_thoughts(text)[1]
