"""What most methods have in common, so that each says only its own; and what few have, of any."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic.config import JsonDict

from harness.data.segments import pair_example
from harness.protocols import (
    Combining,
    Delaying,
    OtherTask,
    OwnAnswering,
    Renewing,
    Sources,
    Variant,
)
from harness.records import JSON, ExampleSet, Role
from harness.settings.spec import Spec

NO_TEXT: JsonDict = {"text": False}
"""Marks a setting (``json_schema_extra``) that cannot change the text, as a weight of the loss; and
a teacher, which enters the identity of the text by what it is, not by where it lies."""


class Method(Spec):
    """A variant that trains, on the pairs alone where it says nothing else, without a penalty."""

    trains: ClassVar[bool] = True

    writes: ClassVar[bool] = False
    """Whether a model writes text for it, as much as there are pairs: where training reaches few of
    them, it is made for those alone."""

    @property
    def weights(self) -> Mapping[Role, float]:
        return {Role.TRANSLATION: 1.0}

    @property
    def penalty(self) -> Mapping[str, JSON] | None:
        return None

    @property
    def needs(self) -> Sequence[str]:
        return ()

    @property
    def draws_on(self) -> Sequence[str]:
        return self.needs

    @property
    def teachers(self) -> Mapping[str, JSON]:
        return {}

    def identity(self) -> Mapping[str, JSON]:
        """Every setting but those marked ``NO_TEXT``."""
        left_out = {
            field.alias or name
            for name, field in type(self).model_fields.items()
            if field.json_schema_extra == NO_TEXT
        }
        return {name: value for name, value in self.plain().items() if name not in left_out}

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per pair, as it stands."""
        pairs = sources.corpora.parallel
        return ExampleSet(tuple(pair_example(sources, pair) for pair in pairs))


class Textless(Method):
    """A variant that makes no text of its own: it trains nothing, or combines adapters."""

    weights: ClassVar[Mapping[Role, float]] = {}

    def examples(self, sources: Sources) -> ExampleSet:
        return ExampleSet(())


def parts_of(variant: Variant) -> Mapping[str, Variant | Path]:
    """The adapters it combines; none where it trains its own."""
    return variant.parts if isinstance(variant, Combining) else {}


def task_corpus(variant: Variant) -> str | None:
    """The corpus of what it trains on; None where it trains nothing of its own."""
    if not variant.trains or isinstance(variant, Combining):
        return None
    return variant.task_corpus if isinstance(variant, OtherTask) else "train"


def late_roles(variant: Variant) -> Mapping[Role, int]:
    """In how many last steps a role goes along; in all where it is not named."""
    return variant.late if isinstance(variant, Delaying) else {}


def renew_every(variant: Variant) -> int | None:
    """Steps between two renewals of its text; None where the text stays."""
    return variant.renew_every if isinstance(variant, Renewing) else None


def writes(variant: Variant) -> bool:
    """Whether a model writes text for it, as much as there are pairs."""
    return isinstance(variant, Method) and variant.writes


def own_answering(variant: Variant) -> Mapping[str, JSON] | None:
    """How its models are asked; None where by generating once."""
    return variant.answering if isinstance(variant, OwnAnswering) else None


def unusual_answering(variant: Variant) -> Mapping[str, JSON]:
    """What of that forms no text and is not as by default: by it alone adapters would be one."""
    if not isinstance(variant, Method):
        return {}
    fields = type(variant).model_fields
    return {
        name: value
        for name, value in (own_answering(variant) or {}).items()
        if name in fields
        and fields[name].json_schema_extra == NO_TEXT
        and value != fields[name].default
    }
