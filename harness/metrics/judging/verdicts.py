"""What a judge's words say: a rating from 1 to 10, or which of two answers it prefers.

The rules are FastChat's (``llm_judge/common.py``) and AlpacaEval's. Where a judge marks several
verdicts the last one counts (FastChat takes the first number, and A before B before C): it may try
some out, or quote code in double brackets. What is no verdict becomes none: a number outside of 1
to 10 ("[2023]"), one in single brackets in running text ("as in [1]"), the letter m in a word or
behind a number ("I'm", "3 m"). Of a judge that thinks aloud only what is behind its thoughts is
read.
"""

import math
import re
from collections.abc import Mapping

from harness.models.thoughts import split_thoughts

RULE_VERSION = 3
"""Raised when a rule changes, so that old scores are not compared with new ones."""

_NUMBER = r"\s*[*_`]*\s*(?:(?:final\s+)?(?:rating|score|verdict)\s*[:=]?\s*)?(\d+\.?\d*)"
_OF_TEN = r"(?:\s*(?:/|out of)\s*10)?\s*[*_`]*\s*"
_RATING = re.compile(rf"\[\[{_NUMBER}{_OF_TEN}\]\]", re.IGNORECASE)
_IN_SINGLE_BRACKETS = re.compile(
    rf"(?:rating|score|verdict)\b[^\w\[]*\[{_NUMBER}{_OF_TEN}\]|\[{_NUMBER}{_OF_TEN}\]\W*$",
    re.IGNORECASE,
)
_PREFERENCE = re.compile(
    r"\[\[\s*[*_`]*\s*(?:(?:final\s+)?verdict\s*[:=]?\s*)?(?:assistant\s+|answer\s+|response\s+)?"
    r"(?:(?P<first>[ABC])\s*(?:(?P<sign>>{1,2}|<{1,2}|=)\s*(?P<second>[AB]))?|(?P<tie>tie))"
    r"\s*[*_`]*\s*\]\]",
    re.IGNORECASE,
)
_POINTS = {"A": 1.0, "B": 0.0, "C": 0.5}
_LETTER_FIRST = re.compile(r"[^\w'’]*([mM])(?:[^\w\s'’?]+(?:\s|$)|[ \t]*(?:\n|$))")
_LETTER_LAST = re.compile(r"(?<![\w'’])(?<!\d\s)([mM])[^\w]*$")


def rating(text: str) -> float | None:
    """The last number in double brackets, else one in single ones where a rating stands.

    >>> rating("Good. Rating: [[7.5]]"), rating("[[5]] at first, then [[ 7/10 ]]")
    (7.5, 7.0)
    >>> rating("Rating: [8]"), rating("As in [1], I would say 8.")
    (8.0, None)
    """
    said = _said(text)
    marked = _RATING.findall(said)
    single = [first or second for first, second in _IN_SINGLE_BRACKETS.findall(said)]
    number = next((float(found[-1]) for found in (marked, single) if found), None)
    return number if number is not None and 1 <= number <= 10 else None


def preference_in_letters(text: str) -> float | None:
    """1 where the answer shown first is preferred, 0 the second, .5 a tie; None without a verdict.

    >>> preference_in_letters("My final verdict is: [[B]]"), preference_in_letters("B")
    (0.0, None)
    >>> preference_in_letters("[[A]] seemed better; my verdict: [[B>>A]]")
    0.0
    """
    verdicts = list(_PREFERENCE.finditer(_said(text)))
    return _points(verdicts[-1]) if verdicts else None


def _points(verdict: re.Match[str]) -> float | None:
    if verdict["tie"]:
        return 0.5
    first, sign = verdict["first"].upper(), verdict["sign"]
    if sign is None:
        return _POINTS[first]
    if {first, verdict["second"].upper()} != {"A", "B"}:
        return None
    if sign == "=":
        return 0.5
    return float((first == "A") == sign.startswith(">"))


def preference_by_last_letter(text: str) -> float | None:
    """The same, where m names the answer shown first and M the second; there are no ties.

    The letter is a word of its own, the last of what is said or else the first.

    >>> preference_by_last_letter("m"), preference_by_last_letter("Which is best? M.")
    (1.0, 0.0)
    >>> preference_by_last_letter("m. It is longer."), preference_by_last_letter("Sure I'm")
    (1.0, None)
    """
    said = _said(text).strip()
    found = _LETTER_LAST.search(said) or _LETTER_FIRST.match(said)
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
