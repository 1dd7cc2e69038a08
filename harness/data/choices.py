"""The choice an answer commits itself to, among those it may mention.

LLM-Adapters (Hu et al. 2023, arXiv 2304.01933), whose prompts ask for ``answer1`` or ``true``, take
the first that is mentioned. So does this, of those that are meant: what is announced as the answer
comes before what is only spoken of, and a choice that is denied, or listed beside others as one of
several, is none.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Choices: TypeAlias = Mapping[str, Sequence[str]]
"""What counts as an answer, and its short forms, which count where an answer is due: at the
beginning, or announced."""

_ANNOUNCED = re.compile(
    r"(?:(?:correct|right|best|final|true|my|the)\s+)*(?:answer|choice|option|solution|verdict)"
    r"(?:\s+(?:number|option|choice))?\s*"
    r"(?:is|are|was|would be|should be|must be|will be|:|=|->|→)+\s*"
    r"(?:(?:therefore|thus|clearly|simply|that|it is|it's)\s+)?(?:option|choice|number|no\.)?\W*$"
    r"|(?:therefore|thus|hence|so|conclusion|i (?:would )?(?:choose|pick|select|say)|"
    r"i['’]d (?:choose|pick|say|go with)|go with)\W{1,3}(?:it is |it's )?(?:option|choice)?\W*$"
    r"|(?:correct|right|best) (?:one )?(?:is|would be)\W*$",
    re.IGNORECASE,
)
"""What stands before an answer that is announced."""
_DENIED = re.compile(
    r"(?P<word>\bnot|n['’]t|\bnever|\bneither|\bnor|\bunlike|\bthan|\binstead of|\bexcept)"
    r"(?:\s+(?:be|necessarily|really|the|that|option|choice|likely|at all|always))*\W*$",
    re.IGNORECASE,
)
_REFUTED = re.compile(
    r"\W{0,3}(?:is|are|was|would be|can be|cannot be|can['’]t be|isn['’]t|seems|must be)\W+"
    r"(?:(?:clearly|also|therefore|probably|definitely|ruled)\W+)?"
    r"(?:wrong|incorrect|not|false|out|eliminated|impossible|unlikely)\b"
    r"|\W{0,3}(?:cannot|can['’]t|isn['’]t|is not|does not|doesn['’]t)\b",
    re.IGNORECASE,
)
_ASKED = re.compile(r"[\s*_\"'”’)]*\?")
_LISTED_AFTER = re.compile(r"\s*(?:/|\||,?\s*(?:or|and|oder)\b|\bvs\b)", re.IGNORECASE)
_LISTED_BEFORE = re.compile(r"(?:/|\||\b(?:or|and|between|oder))\s*$", re.IGNORECASE)
_START = re.compile(r"[\W_]*(?:(?:option|choice|number|no\.|answer)\b[\W_]*)?$", re.IGNORECASE)
_COMPLETE = re.compile(r"[\W_]*$|\s*[).:,;!*\]—–-]|\s+(?:is|was|because)\b|\s*\n")
"""What may stand behind a short form that is an answer."""
_HEADING = re.compile(r"[*_\s]*[:=]|[*_]*\)")
_BEFORE = 60
"""Characters in front of a mention that tell how it is meant."""


@dataclass(frozen=True, slots=True)
class _Mention:
    choice: str
    announced: bool


def committed(output: str, choices: Choices) -> str:
    """The first choice that an output commits itself to; "" of none.

    Args:
        output: What was said.
        choices: What counts, and the short forms of each.

    >>> choices = {"answer1": ["1"], "answer2": ["2"], "answer3": ["3"]}
    >>> committed("It is answer3, not answer1.", choices), committed("Answer: 2", choices)
    ('answer3', 'answer2')
    >>> committed("It is not true that ice is hot.", {"true": ["yes"], "false": ["no"]})
    'false'
    """
    mentions = list(_mentions(output, choices))
    meant = [one for one in mentions if one.announced] or mentions
    return meant[0].choice if meant else ""


def _mentions(output: str, choices: Choices) -> Iterator[_Mention]:
    """The choices an output stands by, in its order."""
    written = {_key(form): name for name, forms in choices.items() for form in (name, *forms)}
    pattern = "|".join(map(_spelled, (form for name in choices for form in (name, *choices[name]))))
    matches = list(re.finditer(rf"(?<![\w.])(?:{pattern})(?![\w]|\.\d)", output, re.IGNORECASE))
    headings = {_key(match[0]) for match in matches if _HEADING.match(output, match.end())}
    for match in matches:
        name = written[_key(match[0])]
        before, after = (
            output[max(0, match.start() - _BEFORE) : match.start()],
            output[match.end() :],
        )
        announced = bool(_ANNOUNCED.search(before))
        is_short = _key(match[0]) != _key(name)
        if is_short and not (announced or _is_due(output, match)):
            continue
        if _ASKED.match(after) or _is_listed(before, after, choices):
            continue
        # the choices said again with what each is: "Answer1: light Answer2: paper"
        if len(headings) > 1 and not announced and _HEADING.match(after):
            continue
        denied = _DENIED.search(before)
        if (
            denied
            and len(choices) == 2
            and denied["word"].lower() in ("not", "n't", "n’t", "never")
        ):
            name = next(other for other in choices if other != name)
        elif denied or (not is_short and _REFUTED.match(after)):
            continue
        yield _Mention(name, announced)


def _is_due(output: str, match: re.Match[str]) -> bool:
    """Whether a short form is the beginning of an answer and not of a sentence on something."""
    before = output[: match.start()].rpartition("?")[2]
    if not _START.match(before) or "\n" in before.strip():
        return False
    return _COMPLETE.match(output, match.end()) is not None


def _is_listed(before: str, after: str, choices: Choices) -> bool:
    """Whether it stands among others as one of several: "answer1/answer2", "true or false"."""
    names = "|".join(map(_spelled, choices))
    follows = _LISTED_AFTER.match(after)
    if follows and re.match(rf"\s*(?:{names})\b", after[follows.end() :], re.IGNORECASE):
        return True
    precedes = _LISTED_BEFORE.search(before)
    return bool(
        precedes and re.search(rf"(?:{names})\W*$", before[: precedes.start()], re.IGNORECASE)
    )


def _spelled(form: str) -> str:
    """The pattern of a form: marks or blanks may stand between its word and its number."""
    word = form.rstrip("0123456789")
    number = form[len(word) :]
    between = r"[\s#:_*(.-]{0,4}" if word and number else ""
    return f"{re.escape(word.strip())}{between}{number}"


def _key(text: str) -> str:
    return re.sub(r"[\W_]+", "", text).lower()
