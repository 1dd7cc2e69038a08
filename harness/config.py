"""TrialConfig: everything one run is made from, composed of the Specs that own the parts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from harness import plugins
from harness.data.spec import DataSpec
from harness.errors import ConfigError
from harness.evaluation.spec import EvalSpec
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import Variant
from harness.records import JSON
from harness.spec import NestedFaults, Spec, explain, load_spec
from harness.training.spec import TrainSpec


def _variant_by_name(value: JSON, info: ValidationInfo) -> Variant:
    if isinstance(value, Spec):
        return value  # type: ignore[return-value]  # a variant already parsed
    settings = {"name": value} if isinstance(value, str) else value
    if not isinstance(settings, dict) or not isinstance(settings.get("name"), str):
        known = ", ".join(plugins.names("variant"))
        raise ValueError(f"found {value!r}, allowed {{name: NAME, ...}} with one of: {known}")
    try:
        kind = plugins.load("variant", settings["name"])
    except ConfigError as error:
        raise NestedFaults([("name", error.message)]) from None
    try:
        parsed: Variant = kind.model_validate(settings, context=info.context)
    except ValidationError as error:
        raise NestedFaults(explain(error, kind)) from None
    return parsed


def _variant_plain(variant: Variant) -> JSON:
    return variant.plain() if isinstance(variant, Spec) else {"name": variant.name}


if TYPE_CHECKING:
    VariantField = Variant
else:
    VariantField = Annotated[
        object, PlainValidator(_variant_by_name), PlainSerializer(_variant_plain)
    ]


class TrialConfig(Spec):
    """One configuration and one seed: what ``harness run`` reads and a sweep makes many of."""

    name: str = Field(default="trial", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    """Shown in tables and in MLflow."""

    seed: int = Field(default=1, ge=0)
    """Of every random choice of this run: LoRA's start, order of examples, dropout, sampling."""

    model: ModelSpec
    """The chat model that is tuned."""

    variant: VariantField
    """The method: its name, and the settings it has."""

    data: DataSpec | None = None
    """What it is tuned on; every variant but `base` needs it."""

    eval: EvalSpec
    """What the tuned model is scored on."""

    lora: LoraSpec = LoraSpec()
    """The adapter."""

    train: TrainSpec = TrainSpec()
    """How the adapter is trained."""

    @model_validator(mode="after")
    def _has_data_to_train_on(self) -> "TrialConfig":
        if self.variant.trains and self.data is None:
            raise ValueError(f"data: missing, and the variant {self.variant.name} trains on it")
        return self

    def configuration_fingerprint(self) -> str:
        """As ``fingerprint``, without the seed: equal for all runs of one trial."""
        return self.replace(seed=0).fingerprint()


def load_trial(path: Path, overrides: tuple[tuple[str, JSON], ...] = ()) -> TrialConfig:
    """Reads a TrialConfig from a YAML file, with dotted overrides applied.

    Raises:
        ConfigError: All faults of the file at once.
    """
    return load_spec(TrialConfig, path, overrides)
