"""What a judge's words say: a rating from 1 to 10, or which of two answers it prefers.

Marks are FastChat's (``llm_judge/common.py``) and letters AlpacaEval's. FastChat takes the first
mark, and A before B before C; here the last mark counts, since judges try verdicts out and take
them back, and marks of which none is the last word ("[[A]] or [[B]]") are no verdict. What is none
does not become one: a number outside of 1 to 10, an index ("x[[3]]"), single brackets in running
text, a mark that is denied ("not [[A]]") or explained ("[[C]] if both are alike"), a letter m that
is no word of its own. Of a judge that thinks aloud only what is behind its thoughts is read.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from harness.models.thoughts import split_thoughts

RULE_VERSION = 3
"""Raised when a rule changes, so that old scores are not compared with new ones."""

_MARK = re.compile(
    r"(?<![0-9A-Za-z_)\]])\[\[([^\[\]]{1,40})\]\]|(?i:(?<=rating))\[\[([^\[\]]{1,40})\]\]"
)
_DENIED = re.compile(r"(?i)\b(?:not|isn't|rather than|instead of|than|never)[\s\"'*_`“‘]*$")
_EXPLAINED = re.compile(r"(?i)[\s\"'*_`”’.,:)]*\b(?:if|for (?:a )?tie|would mean|means|when)\b")
_UNDECIDED = re.compile(r"(?i)[\s,;/&|.~–—*_`\"'-]*(?:(?:or|and|and/or|vs|versus|to)[\s*_`\"']*)?")
"""What stands between two marks neither of which is preferred."""

_NUMBER = re.compile(
    r"(?i)(?:(?:(?:final|overall)\s+)?(?:rating|score|verdict|grade)\s*[:=]?\s*)?"
    r"(-?\d{1,3}(?:[.,]\d*)?)(?:\s*(?:/|out of)\s*10)?(?:\s*points?)?"
)
_BEHIND_RATING = re.compile(
    r"(?i)\b(?:rating|score|verdict|grade)\b[\s*_`:=]*(?:(?:is|of|would be)[\s*_`:]*)?"
    r"\[([^\[\]]{1,40})\](?!\])"
)
_AT_THE_END = re.compile(r"(?<![0-9A-Za-z_)\]])\[([^\[\]]{1,40})\][\s*_`.!]*$")
_CITED = re.compile(
    r"(?i)\b(?:in|see|of|from|per|by|to|with|and|cf|refs?|sources?|references?|matrix|vector|array|"
    r"list|table|figure|equation|section|item|line|example)\.?[\s,]*$"
)

_NAMES = (
    r"(?i)(?:(?:my |the )?(?:final )?"
    r"(?:verdict|winner|choice|preference|assistant|answer|response|model)\s*[:=]?\s*)*"
)
_LETTER = re.compile(
    _NAMES + r"(?:(?P<letter>[ABC])"
    r"|(?P<left>[AB])\s*(?P<sign>>{1,3}|<{1,3}|≫|≪|~?={1,2}|≈)\s*(?P<right>[AB])"
    r"|(?P<tie>tie|draw))(?:\s+(?:wins|is better))?"
)
_POINTS = {"a": 1.0, "b": 0.0, "c": 0.5}

_LAST_LETTER = re.compile(r"(?<![^\W_])(?<![^\W_]['’])([mM])[\W_]*$")
_FIRST_LETTER = re.compile(r"^[\W_]*([mM])[*_`\"')\]]*\s*(?:[.:,;!–—-]|\n|because\b|is better\b)")
_NO_LETTER = re.compile(r"(?:\d[\s_]*|\b[mM]\b[\W_]+(?:or|and|nor|vs\.?)[\W_]+|\bnot[\W_]+)$")


def rating(text: str) -> float | None:
    """The last number in double brackets; without any, one in single ones that is announced.

    That is one behind "rating", or one that ends the text and cites nothing ("see [8]"). Commas are
    decimal ones; "/10", blanks and emphasis may stand beside the number.

    >>> rating("[[5]] at first. Rating: [[ 7.5/10 ]]"), rating("Rating: [8]"), rating("See [8].")
    (7.5, 8.0, None)
    """
    said = _said(text)
    marked = _last(_marks(said, _number))
    if marked is not None:
        return marked if 1 <= marked <= 10 else None
    single = next(iter([*_BEHIND_RATING.finditer(said)][-1:]), None) or _AT_THE_END.search(said)
    cited = single is None or _CITED.search(said[: single.start()])
    number = None if single is None or cited else _number(single[1])
    return number if number is not None and 1 <= number <= 10 else None


def preference_in_letters(text: str) -> float | None:
    """1 where the answer shown first is preferred, 0 the second, .5 a tie; None without a verdict.

    The last of several verdicts counts.

    >>> preference_in_letters("My final verdict is: [[B]]"), preference_in_letters("B")
    (0.0, None)
    >>> preference_in_letters("[[A]] at first, in the end [[ a=b ]]")
    0.5
    """
    return _last(_marks(_said(text), _letter))


def preference_by_last_letter(text: str) -> float | None:
    """The same, where m names the answer shown first and M the second; there are no ties.

    The letter is a word of its own that ends the text, else one that begins it as a sentence.

    >>> preference_by_last_letter("m"), preference_by_last_letter("Which is best? M.")
    (1.0, 0.0)
    >>> preference_by_last_letter("m. Because it is longer."), preference_by_last_letter("I'm")
    (1.0, None)
    """
    said = _said(text)
    last = _LAST_LETTER.search(said)
    if last is None or _NO_LETTER.search(said[: last.start()]):
        last = _FIRST_LETTER.search(said)
    return None if last is None else float(last[1] == "m")


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
    """What a judge says behind its thoughts, brackets without backslashes."""
    return re.sub(r"\\([\[\]])", r"\1", split_thoughts(text)[1])


def _marks(said: str, read: Callable[[str], float | None]) -> Iterator[tuple[str, float]]:
    """What stands before each mark that says something, since the one before, and what it says."""
    end = 0
    for mark in _MARK.finditer(said):
        value = read(mark[1] or mark[2])
        denied = _DENIED.search(said[: mark.start()]) or _EXPLAINED.match(said[mark.end() :])
        if value is not None and not denied:
            yield said[end : mark.start()], value
            end = mark.end()


def _last(marks: Iterable[tuple[str, float]]) -> float | None:
    """The value of the last mark; None where another stands right beside it."""
    last: float | None = None
    for number, (between, value) in enumerate(marks):
        undecided = number > 0 and _UNDECIDED.fullmatch(between) and value != last
        last = None if undecided else value
    return last


def _plain(mark: str) -> str:
    return re.sub(r"[*_`\"“”]", "", mark).strip()


def _number(mark: str) -> float | None:
    match = _NUMBER.fullmatch(_plain(mark))
    return None if match is None else float(match[1].replace(",", "."))


def _letter(mark: str) -> float | None:
    match = _LETTER.fullmatch(_plain(mark))
    if match is None:
        return None
    if match["tie"] or (match["sign"] and match["sign"][-1] in "=≈"):
        return 0.5
    if match["letter"]:
        return _POINTS[match["letter"].lower()]
    left, right = match["left"].lower(), match["right"].lower()
    if left == right:
        return None
    return _POINTS[left if match["sign"][0] in ">≫" else right]
