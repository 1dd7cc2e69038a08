"""What a check of the doctor finds."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at.

    Attributes:
        state: ``ok``; ``note``: works without, less well; ``missing``: required and not there.
        remedy: What to do, None where there is nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str | None = None
