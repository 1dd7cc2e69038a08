"""SweepSpec: one question, the settings searched to answer it, and what counts as an answer.

Parsing it opens no benchmark: every path and value of the space is checked by building the
configurations. What it wants measured is held against the benchmarks by ``check_sweep``, which
reads each of them once and hands them on.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from harness.benchmarks.read import Selection, select
from harness.errors import ConfigError, DataError, unknown_name
from harness.records import JSON, Objective, Split
from harness.settings import plugins
from harness.settings.spec import NestedFaults, Spec, find_path, load_spec, validate
from harness.statistics.constraints import parse_constraint
from harness.statistics.margins import DEFAULT_MARGINS, unknown_yardsticks
from harness.sweep import space as spaces
from harness.sweep.configurations import configure, space_faults
from harness.sweep.goals import Keys, ObjectiveSpec, resolve
from harness.sweep.space import Dimension, Space
from harness.trial.config import TrialConfig, warn_of_engines


class SamplerSpec(Spec):
    """How configurations are proposed."""

    name: Literal["tpe", "gp", "nsga2", "random", "grid"] = "tpe"
    """`tpe` and `gp` (for up to about 100 costly trials) learn from few trials, `nsga2` needs
    many; `random` and `grid` do not learn and give the same configurations with any number of
    workers."""

    seed: int = Field(0, ge=0)
    """Of every draw."""

    startup: int = Field(5, ge=1)
    """Trials spread evenly over the space before `tpe`, `gp` or `nsga2` guides; for `nsga2` also
    the size of its population."""

    @property
    def guides(self) -> bool:
        """Whether it learns from finished trials."""
        return self.name in ("tpe", "gp", "nsga2")


def _distinct(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds) or min(seeds) < 0:
        raise ValueError(f"found {list(seeds)}, allowed: different whole numbers >= 0")
    return seeds


Seeds = Annotated[tuple[int, ...], Field(min_length=1), AfterValidator(_distinct)]
Margin = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class ConfirmSpec(Spec):
    """The second look: fresh seeds, test benchmarks. Its scores are the ones to report."""

    seeds: Seeds
    """Seeds of the confirming runs; none of them a seed of the sweep."""

    members: Literal["front", "fronts", "all"] = "front"
    """Which trials: the members of the front, the members of each method's own front (each value of
    `compare` is a method), or every complete trial."""

    at_most: int | None = Field(4, ge=1)
    """Only so many members of a front: its representative (see `compare`), then those that add most
    hypervolume; null for all, which is the default of `fronts`."""

    compare: str | None = None
    """A searched path, for example `variant.name`: the trial that stands for each of its values is
    confirmed too, so that every method has test scores. It is the feasible trial with the largest
    sum of its objectives on validation, each divided by its `scale` and signed by its direction; of
    equals the earlier. The rule is the same for every method, for those of `against` too."""

    @model_validator(mode="before")
    @classmethod
    def _whole_fronts(cls, value: JSON) -> JSON:
        if isinstance(value, Mapping) and value.get("members") == "fronts":
            return {"at_most": None, **value}
        return value

    @model_validator(mode="after")
    def _fronts_of_something(self) -> Self:
        if self.members == "fronts" and self.compare is None:
            raise ValueError(
                "found members fronts and no compare, allowed: fronts with a searched path in "
                "`compare`, for example variant.name"
            )
        return self


class SweepSpec(Spec):
    """A sweep: what ``harness sweep`` reads."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    """Of the sweep, its folder and its experiment in MLflow."""

    question: str = Field(min_length=1)
    """What it is to answer; heads the report."""

    base: TrialConfig
    """The configuration the search starts from, here or as the path of a trial's YAML. Its splits
    and its seed are set by the sweep."""

    space: Mapping[str, Dimension] = Field(min_length=1)
    """What is searched: a list of values or a range by dotted path. Seeds are never searched. What
    follows a colon tells dimensions of one setting apart (`variant.strength:ewc`); their conditions
    must keep them from applying together."""

    objectives: tuple[ObjectiveSpec, ...] = Field(min_length=1, max_length=4)
    """What is optimised, on validation benchmarks, as the mean over the seeds."""

    constraints: tuple[str, ...] = ()
    """What a trial must keep to be on the front, for example "pocket_general/summary >= base -
    0.05"."""

    sampler: SamplerSpec = SamplerSpec()
    """How configurations are proposed."""

    trials: int | None = Field(None, ge=1)
    """How many configurations; may be left out for a grid, which is then run whole."""

    trials_per: str | None = Field(None, exclude_if=lambda path: path is None)
    """A searched list of values, for example `variant.name`: `trials` and the sampler's `startup`
    are then for each of its values, which take turns, and the sampler learns for each from its own
    trials alone. So no method wins by having been tried more often."""

    seeds: Seeds = (1,)
    """Every configuration is run with each."""

    confirm: ConfirmSpec | None = None
    """What is run once more on test benchmarks; null for nothing."""

    against: tuple[str, ...] = Field(("sft",), min_length=1)
    """Variants with which the report compares all others, each by the trial that stands for it (see
    `confirm.compare`)."""

    margins: Mapping[str, Margin] = Field(
        default_factory=dict, exclude_if=lambda margins: dict(margins) == dict(DEFAULT_MARGINS)
    )
    """Which difference is too small to matter, declared before anything is seen: by axis
    (`translation`, `general`, `safety`) of its summaries, by name of a metric in its units. Laid
    over the defaults: 0.02 for each axis, 0.5 for bleu, chrf and chrf_pp, 0.005 for comet."""

    folder: str | None = Field(None, exclude=True)
    """Beside which files that the space names are looked for before the working directory; that of
    the sweep's file where it is not given."""

    @field_validator("folder", mode="before")
    @classmethod
    def _of_the_file(cls, value: JSON, info: ValidationInfo) -> JSON:
        beside = (info.context or {}).get("folder")
        if value is None:
            return None if beside is None else os.path.abspath(beside)
        return find_path(value, beside) if isinstance(value, str) else value

    def configure(
        self,
        params: Mapping[str, JSON],
        *,
        seed: int | None = None,
        splits: Sequence[Split] | None = None,
    ) -> TrialConfig:
        """The base with a trial's settings; see ``configurations.configure``.

        Raises:
            ValidationError: The settings do not make a configuration.
        """
        return configure(self.base, params, folder=self.folder, seed=seed, splits=splits)

    @field_validator("against")
    @classmethod
    def _known_variants(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = plugins.names("variant")
        unknown = [unknown_name("variant", name, known) for name in value if name not in known]
        if unknown:
            raise ValueError("; ".join(unknown))
        return value

    @field_validator("margins")
    @classmethod
    def _known_margins(cls, value: Mapping[str, float]) -> Mapping[str, float]:
        if unknown := unknown_yardsticks(value):
            raise NestedFaults(unknown)
        return {**DEFAULT_MARGINS, **value}

    @field_validator("base", mode="before")
    @classmethod
    def _read_base(cls, value: object, info: ValidationInfo) -> object:
        if not isinstance(value, str):
            return value
        path = Path(value)
        folder = (info.context or {}).get("folder")
        if folder is not None and (Path(folder) / path).is_file():
            path = Path(folder) / path
        try:
            return load_spec(TrialConfig, path)
        except ConfigError as error:
            raise ValueError(error.message) from None

    @field_validator("base")
    @classmethod
    def _says_who_writes(cls, value: TrialConfig) -> TrialConfig:
        warn_of_engines(value)
        return value

    @field_validator("base")
    @classmethod
    def _base_is_scored(cls, value: TrialConfig, info: ValidationInfo) -> TrialConfig:
        try:
            _selection(value, info)
        except (ConfigError, DataError) as error:
            raise ValueError(error.message) from None
        return value.replace(name=info.data.get("name", value.name))

    @field_validator("space", mode="before")
    @classmethod
    def _flat(cls, value: JSON) -> JSON:
        """Paths may be nested (``--set space.lora.rank=[4]``); a bare list is a choice."""
        return _flatten_space(value, "") if isinstance(value, Mapping) else value

    @field_validator("space")
    @classmethod
    def _space_fits(cls, value: Space, info: ValidationInfo) -> Space:
        base = info.data.get("base")
        if base is None:
            return value
        fitted, faults = space_faults(value, base)
        if faults:
            raise NestedFaults(faults)
        return fitted

    @field_validator("objectives", mode="before")
    @classmethod
    def _bare_keys(cls, value: JSON) -> JSON:
        if not isinstance(value, list | tuple):
            return value
        return [{"key": entry} if isinstance(entry, str) else entry for entry in value]

    @field_validator("objectives")
    @classmethod
    def _objectives_measured(
        cls, value: tuple[ObjectiveSpec, ...], info: ValidationInfo
    ) -> tuple[ObjectiveSpec, ...]:
        keys = _keys(info)
        faults: list[tuple[str, str]] = []
        for index, objective in enumerate(value):
            if objective.key in [other.key for other in value[:index]]:
                faults.append((str(index), f"{objective.key!r} is given twice"))
                continue
            try:
                if keys is not None:
                    resolve(objective, keys)
            except ValueError as error:
                faults.append((str(index), str(error)))
        if faults:
            raise NestedFaults(faults)
        return value

    @field_validator("constraints")
    @classmethod
    def _constraints_measured(cls, value: tuple[str, ...], info: ValidationInfo) -> Any:
        keys = _keys(info)
        faults: list[tuple[str, str]] = []
        for index, text in enumerate(value):
            try:
                constraint = parse_constraint(text)
            except ValueError as error:
                faults.append((str(index), str(error)))
                continue
            if keys is not None and (fault := keys.fault(str(constraint.key))):
                faults.append((str(index), fault))
        if len(set(value)) < len(value):
            faults.append(("", "a constraint is given twice"))
        if faults:
            raise NestedFaults(faults)
        return value

    @field_validator("sampler", mode="before")
    @classmethod
    def _bare_sampler(cls, value: JSON) -> JSON:
        return {"name": value} if isinstance(value, str) else value

    @field_validator("sampler")
    @classmethod
    def _grid_is_finite(cls, value: SamplerSpec, info: ValidationInfo) -> SamplerSpec:
        space: Space = info.data.get("space", {})
        if value.name != "grid":
            return value
        endless = [path for path, dimension in space.items() if dimension.finite is None]
        if endless:
            raise ValueError(
                f"name: found grid, but {', '.join(endless)} has no finite number of values; "
                "allowed: give it values or a step, or another sampler"
            )
        if (size := spaces.grid_bound(space)) > spaces.MAX_GRID:
            raise ValueError(f"name: found a grid of {size} points, allowed {spaces.MAX_GRID}")
        return value

    @field_validator("trials")
    @classmethod
    def _has_budget(cls, value: int | None, info: ValidationInfo) -> int | None:
        sampler = info.data.get("sampler")
        if value is None and sampler is not None and sampler.name != "grid":
            raise ValueError("missing, and only a grid can do without it")
        return value

    @field_validator("trials_per")
    @classmethod
    def _taken_in_turns(cls, value: str | None, info: ValidationInfo) -> str | None:
        space: Space = info.data.get("space", {})
        if value is None or not space:
            return value
        lists = [path for path, d in space.items() if d.values is not None and not d.when]
        if value not in lists:
            raise ValueError(
                f"found {value!r}, allowed: a searched list of values without a condition "
                f"({', '.join(lists) or 'none here'})"
            )
        return value

    @property
    def turns(self) -> tuple[JSON, ...]:
        """The values that take turns at being tried; () where none do."""
        return () if self.trials_per is None else self.space[self.trials_per].values or ()

    @model_validator(mode="after")
    def _second_look(self, info: ValidationInfo) -> Self:
        if self.confirm is None:
            return self
        selection = _selection(self.base, info)
        keys = None if selection is None else Keys(selection.benchmarks, selection.absent)
        faults = [
            (f"objectives.{index}", fault)
            for index, objective in enumerate(self.objectives)
            if keys is not None and (fault := keys.unconfirmed(objective.key))
        ]
        seeds, compare = self.confirm.seeds, self.confirm.compare
        if shared := sorted(set(seeds) & set(self.seeds)):
            faults.append(
                (
                    "confirm.seeds",
                    f"{', '.join(map(str, shared))} also among the sweep's seeds; allowed: seeds "
                    "the sweep did not use, or selection and reporting share their luck",
                )
            )
        if compare is not None and compare not in self.space:
            searched = ", ".join(self.space)
            faults.append(
                ("confirm.compare", f"found {compare!r}, allowed: a searched path ({searched})")
            )
        if faults:
            raise NestedFaults(faults)
        return self


_READ = "benchmarks"
"""In the context of a validation: who reads the benchmarks; absent where form alone is checked."""


def _selection(base: TrialConfig, info: ValidationInfo) -> Selection | None:
    read: Callable[[TrialConfig], Selection] | None = (info.context or {}).get(_READ)
    return None if read is None else read(base)


def _keys(info: ValidationInfo) -> Keys | None:
    base: TrialConfig | None = info.data.get("base")
    selection = None if base is None else _selection(base, info)
    return None if selection is None else Keys(selection.benchmarks, selection.absent)


def _flatten_space(value: Mapping[str, JSON], prefix: str) -> dict[str, JSON]:
    flat: dict[str, JSON] = {}
    fields = set(Dimension.model_fields)
    for key, entry in value.items():
        if isinstance(entry, list | tuple):
            flat[f"{prefix}{key}"] = {"values": entry}
        elif isinstance(entry, Mapping) and entry and not fields & set(entry):
            flat |= _flatten_space(entry, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = entry
    return flat


def load_sweep_spec(path: Path, overrides: Sequence[tuple[str, JSON]] = ()) -> SweepSpec:
    """Reads a SweepSpec from a YAML file, with dotted overrides applied; opens no benchmark.

    Raises:
        ConfigError: All faults of the file's form at once.
    """
    return load_spec(SweepSpec, path, overrides)


@dataclass(frozen=True)
class CheckedSweep:
    """A sweep whose objectives and constraints its benchmarks measure.

    Attributes:
        spec: Of the sweep.
        selection: Its benchmarks, of both splits.
    """

    spec: SweepSpec
    selection: Selection

    def objectives(self) -> tuple[Objective, ...]:
        """What is optimised, everything filled in."""
        keys = Keys(self.selection.benchmarks, self.selection.absent)
        return tuple(resolve(objective, keys) for objective in self.spec.objectives)


def check_sweep(
    sweep: SweepSpec | Path, overrides: Sequence[tuple[str, JSON]] = ()
) -> CheckedSweep:
    """A sweep held against its benchmarks, each of which is read once.

    Args:
        sweep: Its specification, or the file of it.
        overrides: Values by dotted path that come before those of the file.

    Raises:
        ConfigError: All faults at once, those of form among them.
    """
    read: list[Selection] = []

    def once(base: TrialConfig) -> Selection:
        if not read:
            read.append(select(base.eval.replace(splits=tuple(Split))))
        return read[0]

    context = {_READ: once}
    if isinstance(sweep, Path):
        spec = load_spec(SweepSpec, sweep, overrides, context=context)
    else:
        spec = validate(SweepSpec, dict(sweep), f"sweep {sweep.name}", overrides, context=context)
    return CheckedSweep(spec, once(spec.base))
