"""Constraints on the form of an answer that a program can check, after IFEval.

Zhou et al. (2023), "Instruction-Following Evaluation for Large Language Models", arXiv 2311.07911.
A constraint is a mapping: its ``kind`` and the arguments of that kind.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from harness.errors import unknown_name
from harness.records import JSON


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of constraint: the check, and its arguments with their types."""

    holds: Callable[..., bool]
    arguments: Mapping[str, type]


def words(text: str) -> list[str]:
    """The words of a text, apostrophes and hyphens inside them kept."""
    return re.findall(r"\w+(?:['’-]\w+)*", text)


def list_items(text: str) -> list[str]:
    r"""The items of the list in a text: its bulleted or numbered lines, else what commas separate.

    >>> list_items("Here you are:\n- cat\n- dog")
    ['cat', 'dog']
    >>> list_items("Cat, dog and bird.")
    ['Cat', 'dog', 'bird']
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    marked = [re.fullmatch(r"(?:[-*•+]|\d+[.)])\s*(\S.*)", line) for line in lines]
    if any(marked):
        return [match[1] for match in marked if match]
    if len(lines) > 1:
        return lines
    separators = r"\s*[,;]\s*(?:and|or|und|oder)?\s+|\s+(?:and|or|und|oder)\s+"
    return [part for part in re.split(separators, text.strip().rstrip(".!")) if part]


def _letters(text: str) -> str:
    return "".join(filter(str.isalpha, text))


def _contains(answer: str, text: str) -> bool:
    before = r"(?<!\w)" if re.match(r"\w", text) else ""
    after = r"(?!\w)" if re.search(r"\w$", text) else ""
    return re.search(before + re.escape(text) + after, answer, re.IGNORECASE) is not None


def _bare(text: str) -> str:
    return text.strip().strip('"').casefold()


KINDS: Mapping[str, Kind] = {
    # ß has no capital in common use
    "capitals": Kind(lambda answer: _letters(answer).replace("ß", "SS").isupper(), {}),
    "lowercase": Kind(lambda answer: _letters(answer).islower(), {}),
    "contains": Kind(_contains, {"text": str}),
    "excludes": Kind(lambda answer, text: not _contains(answer, text), {"text": str}),
    "starts_with": Kind(
        lambda answer, text: _bare(answer).startswith(text.strip().casefold()), {"text": str}
    ),
    "ends_with": Kind(
        lambda answer, text: _bare(answer).endswith(text.strip().casefold()), {"text": str}
    ),
    "list_exactly": Kind(lambda answer, count: len(list_items(answer)) == count, {"count": int}),
    "min_words": Kind(lambda answer, count: len(words(answer)) >= count, {"count": int}),
    "max_words": Kind(lambda answer, count: 0 < len(words(answer)) <= count, {"count": int}),
    "exactly_words": Kind(lambda answer, count: len(words(answer)) == count, {"count": int}),
    "no_commas": Kind(lambda answer: "," not in answer and "，" not in answer, {}),
    "one_paragraph": Kind(lambda answer: not re.search(r"\n\s*\n", answer.strip()), {}),
}
"""Every kind by its name. None but `excludes`, `no_commas` and `one_paragraph` holds for an empty
answer, and the metric never counts an empty answer as right."""


def faults_of(constraints: JSON) -> list[str]:
    """What is wrong with the constraints of an item; [] when nothing is."""
    if not isinstance(constraints, Sequence) or isinstance(constraints, str) or not constraints:
        return [f"found {constraints!r}, allowed: a list of at least one constraint"]
    return [f"{index}: {fault}" for index, one in enumerate(constraints) for fault in _faults(one)]


def _faults(constraint: JSON) -> list[str]:
    called = constraint.get("kind") if isinstance(constraint, Mapping) else None
    if not isinstance(constraint, Mapping) or not isinstance(called, str):
        return [f"found {constraint!r}, allowed: a mapping with `kind`"]
    kind = KINDS.get(called)
    if kind is None:
        return [f"kind: {unknown_name('kind of constraint', called, list(KINDS))}"]
    given = {name: value for name, value in constraint.items() if name != "kind"}
    wrong = [
        f"{name}: missing, {called} needs {needed.__name__}"
        if name not in given
        else f"{name}: found {given[name]!r}, allowed: {needed.__name__}"
        for name, needed in kind.arguments.items()
        if type(given.get(name)) is not needed
    ]
    allowed = ", ".join(kind.arguments) or "none"
    return wrong + [
        f"{name}: no such argument of {called} (arguments: {allowed})"
        for name in given
        if name not in kind.arguments
    ]


def holds(constraint: Mapping[str, JSON], answer: str) -> bool:
    """Whether an answer keeps a (well-formed) constraint."""
    given = {name: value for name, value in constraint.items() if name != "kind"}
    return KINDS[str(constraint["kind"])].holds(answer, **given)
