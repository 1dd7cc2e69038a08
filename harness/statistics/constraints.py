"""What a sweep must keep: bounds on scores, absolute or relative to the untuned model's."""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from harness.records import Key, parse_key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Value = TypeVar("Value", float, "NDArray[np.float64]")

_NUMBER = r"\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+"
_CONSTRAINT = re.compile(
    rf"""
    (?P<key>\S+) \s* (?P<sense>>=|<=) \s*
    (?:
        (?: (?P<factor>{_NUMBER}) \s* \* \s* )? (?P<base>base)
        (?: \s* (?P<sign>[+-]) \s* (?P<offset>{_NUMBER}) )?
      | (?P<bound>-?(?:{_NUMBER}))
    )
    """,
    re.VERBOSE,
)
CONSTRAINT_FORMS = (
    "KEY >= NUMBER, KEY <= NUMBER, KEY >= base, KEY >= base - NUMBER, KEY >= NUMBER * base "
    "(base: the untuned model's score)"
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """A bound on a score, absolute or relative to the untuned model's.

    Attributes:
        text: As it was written; names it everywhere.
        key: Of the score or the summary.
        at_least: Whether the bound is from below.
        factor: Of the base's score in the bound; 0 for an absolute bound.
        offset: Added to it.
    """

    text: str
    key: Key
    at_least: bool
    factor: float
    offset: float

    def violation(self, value: Value, base: Value | None) -> Value:
        """By how much the bound is broken; <= 0 when it is kept. Numbers, or arrays of them.

        >>> parse_constraint("suite/summary >= base - 0.1").violation(0.5, base=0.75)
        0.15000000000000002
        """
        assert base is not None or not self.factor
        bound = self.offset + (self.factor * base if base is not None and self.factor else 0.0)
        return bound - value if self.at_least else value - bound


def parse_constraint(text: str) -> Constraint:
    """The constraint a text states.

    Raises:
        ValueError: The text has none of the allowed forms.
    """
    match = _CONSTRAINT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"found {text!r}, allowed: {CONSTRAINT_FORMS}")
    factor, offset = 0.0, float(match["bound"] or 0.0)
    if match["base"]:
        factor = float(match["factor"] or 1.0)
        offset = float(f"{match['sign'] or ''}{match['offset'] or 0.0}")
    key = parse_key(match["key"])
    return Constraint(text.strip(), key, match["sense"] == ">=", factor, offset)
