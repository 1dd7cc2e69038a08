"""What most methods have in common, so that each file says only what is its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.protocols import Variant
from harness.records import JSON, Role
from harness.settings.spec import Spec


class Method(Spec):
    """A variant that trains on text that stays, without a penalty, and answers as models do."""

    trains: ClassVar[bool] = True

    @property
    def penalty(self) -> Mapping[str, JSON] | None:
        return None

    @property
    def late(self) -> Mapping[Role, int]:
        return {}

    @property
    def renew_every(self) -> int | None:
        return None

    @property
    def needs(self) -> Sequence[str]:
        return ()

    @property
    def draws_on(self) -> Sequence[str]:
        return self.needs

    @property
    def teachers(self) -> Mapping[str, Mapping[str, JSON]]:
        return {}

    @property
    def parts(self) -> Mapping[str, Variant | Path]:
        return {}

    @property
    def combination(self) -> Mapping[str, JSON] | None:
        return None

    @property
    def answering(self) -> Mapping[str, JSON] | None:
        return None

    @property
    def chain(self) -> Sequence[Mapping[str, JSON]]:
        return ()

    def identity(self) -> Mapping[str, JSON]:
        """Every setting but the weights: what may change the text."""
        return {key: value for key, value in self.plain().items() if not key.endswith("weight")}
