"""What a trial is scored on, and how."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from harness.errors import ConfigError
from harness.models.generation.spec import GenerationSpec
from harness.records import JSON, Split
from harness.settings import plugins
from harness.settings.spec import LocalPath, NestedFaults, explain


def _off(value: object) -> bool:
    # Left out where it is off: results made before there was such a setting are found again.
    return not value


class EvalSpec(GenerationSpec):
    """Benchmarks, who answers them, and settings of metrics."""

    suites: tuple[str, ...] = Field(min_length=1)
    """Suites to score: a folder of `folder` ("pocket_general") or benchmarks in one, with `*` for
    any characters ("pocket_general/facts_*")."""

    folder: LocalPath | Annotated[tuple[LocalPath, ...], Field(min_length=1)] = "benchmarks"
    """Where the suites are; several folders, yours beside the shipped one, as a list."""

    data: LocalPath | None = Field(None, exclude_if=_off)
    """Folder of benchmark data that are not shipped (see docs/benchmarks.md); by default the one
    that the environment variable HARNESS_DATA names."""

    splits: tuple[Split, ...] = Field((Split.VALIDATION, Split.TEST), min_length=1)
    """Which benchmarks to score: those for choosing (validation), those for reporting (test)."""

    limit: int | None = Field(None, ge=1)
    """Only the first so many items of each benchmark; a score made so has another signature."""

    metrics: Mapping[str, Mapping[str, JSON]] = Field(default_factory=dict)
    """Settings of metrics by name ("comet: {model: ...}"); benchmarks say which metrics they want,
    and a metric without an entry here has its defaults."""

    comet_python: str | None = None
    """Python interpreter that has unbabel-comet; by default this one if it has it, else the
    `.venv-comet` made by `make`."""

    comet_release: bool = Field(False, exclude_if=_off)
    """End COMET's process when it has had nothing to score for two seconds: its memory (3 GB for
    the larger checkpoints) is free while models train and generate, and the first score after that
    waits for it to load anew."""

    answering: LocalPath | None = Field(None, exclude_if=_off)
    """How the model is asked, in place of what its folder says: a folder with an `answering.json`,
    such as `store/answering/KEY` of a trial of `icl`. With the variant `base` only."""

    @property
    def folders(self) -> tuple[Path, ...]:
        named = (self.folder,) if isinstance(self.folder, str) else self.folder
        return tuple(map(Path, named))

    @field_validator("folder", mode="after")
    @classmethod
    def _one_as_itself(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        # a list of one is the same specification, with the same fingerprint
        return value[0] if isinstance(value, tuple) and len(value) == 1 else value

    @field_validator("metrics", mode="after")
    @classmethod
    def _check_settings(cls, value: Mapping[str, Any], info: ValidationInfo) -> Mapping[str, Any]:
        """Every setting is one its metric has; paths among them are found beside the file."""
        faults: list[tuple[str, str]] = []
        checked: dict[str, Any] = {}
        for name, settings in value.items():
            try:
                kind = plugins.load("metric", name)
                metric = kind.model_validate(dict(settings), context=info.context)
            except ConfigError as error:
                faults.append((name, error.message))
            except ValidationError as error:
                faults += [(f"{name}.{path}", text) for path, text in explain(error, kind)]
            else:
                checked[name] = metric.model_dump(mode="json", exclude_unset=True)
        if faults:
            raise NestedFaults(faults)
        return checked
