"""The search space: dotted paths of a configuration, what each may be, and when it applies.

A dimension whose condition does not hold is absent, so plain fine-tuning is one configuration
however many rationale weights are searched. Everything drawn here depends on the seed alone; more
draws of the same seed begin with the same ones.
"""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import Field, field_validator, model_validator

from harness.records import JSON
from harness.seeds import stream
from harness.settings.spec import Spec

Params: TypeAlias = dict[str, JSON]

MAX_GRID = 100_000
MAX_MISSES = 1000
_ROUNDING = 1e-9


class Dimension(Spec):
    """One searched setting: `values` to choose from, or a range from `low` to `high`."""

    values: tuple[Any, ...] | None = Field(None, min_length=1)
    """The choices; a bare list means the same."""

    low: int | float | None = None
    """Lower end, included."""

    high: int | float | None = None
    """Upper end, included."""

    step: int | float | None = Field(None, gt=0)
    """Distance of allowed values from `low` on."""

    log: bool = False
    """Search on a logarithmic scale."""

    when: Mapping[str, tuple[Any, ...]] = Field(default_factory=dict)
    """The dimension applies only where these settings have one of these values."""

    @field_validator("when", mode="before")
    @classmethod
    def _lists(cls, value: JSON) -> JSON:
        if not isinstance(value, Mapping):
            return value
        return {key: v if isinstance(v, list | tuple) else [v] for key, v in value.items()}

    @model_validator(mode="after")
    def _one_form(self) -> "Dimension":
        if self.values is not None:
            given = {"low", "high", "step", "log"} & self.model_fields_set
            if any(getattr(self, name) for name in given):
                raise ValueError(f"found values and {', '.join(sorted(given))}, allowed: one form")
            if len({json.dumps(value, sort_keys=True) for value in self.values}) < len(self.values):
                raise ValueError("a value is given twice")
            return self
        if self.low is None or self.high is None:
            raise ValueError("allowed: a list of values, or a range with low and high")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise ValueError(f"found low {self.low}, high {self.high}; allowed: low below high")
        if self.log and self.low <= 0:
            raise ValueError(f"found low {self.low}; allowed with log: above 0")
        if self.log and self.step is not None:
            raise ValueError("found log and step; allowed: one of them (or a list of values)")
        # as decimals are written: 40.3 - 38.4 is a little less than 1.9
        if self.step is not None and self.step > (self.high - self.low) * (1 + _ROUNDING):
            raise ValueError(f"found step {self.step}; allowed: at most high - low")
        return self

    @property
    def integral(self) -> bool:
        """Whether a range holds whole numbers only."""
        return all(isinstance(n, int) for n in (self.low, self.high, self.step or 1))

    @property
    def ends(self) -> tuple[JSON, ...]:
        """The choices, or the two ends: what to try to see whether the dimension is allowed."""
        return self.values if self.values is not None else (self.low, self.high)

    @property
    def finite(self) -> tuple[JSON, ...] | None:
        """Every value there is, None where there is a continuum."""
        if self.values is not None:
            return self.values
        assert self.low is not None
        if self.integral and not self.log:
            return tuple(range(int(self.low), int(self.high or 0) + 1, int(self.step or 1)))
        if self.integral:
            return tuple(range(int(self.low), int(self.high or 0) + 1))
        if self.step is None:
            return None
        return tuple(float(f"{self.low + i * self.step:.12g}") for i in range(self._num_steps()))

    def at(self, unit: float) -> JSON:
        """The value at a fraction of the dimension, 0 <= unit < 1.

        >>> Dimension(low=1.0, high=100.0, log=True).at(0.5)
        10.0
        """
        finite = self.finite
        if finite is not None and not self.log:
            return finite[int(unit * len(finite))]
        assert self.low is not None
        assert self.high is not None
        if self.integral:  # every whole number owns the stretch from half below to half above it
            value = math.exp(_between(math.log(self.low - 0.5), math.log(self.high + 0.5), unit))
            return int(min(max(round(value), self.low), self.high))
        if self.log:
            value = math.exp(_between(math.log(self.low), math.log(self.high), unit))
        else:
            value = _between(self.low, self.high, unit)
        # four digits are enough to search with and short enough to read
        return float(min(max(float(f"{value:.4g}"), self.low), self.high))

    def _num_steps(self) -> int:
        assert self.low is not None
        assert self.high is not None
        assert self.step is not None
        return int((self.high - self.low) / self.step + _ROUNDING) + 1


def _between(low: float, high: float, unit: float) -> float:
    return low + unit * (high - low)


Space: TypeAlias = Mapping[str, Dimension]


def place_of(path: str) -> str:
    """The setting a dimension searches: its path without what tells it from others of that setting.

    One setting may mean different things under different conditions, and want different values.

    >>> place_of("variant.strength:ewc"), place_of("lora.rank")
    ('variant.strength', 'lora.rank')
    """
    return path.partition(":")[0]


def only(space: Space, path: str, value: JSON) -> Space:
    """The part of a space in which one setting has one value."""
    return {**space, path: Dimension(values=(value,))}


def exclusive(dimension: Dimension, other: Dimension) -> bool:
    """Whether two dimensions never apply together, as far as their conditions tell."""
    return any(
        not set(dimension.when[name]) & set(other.when[name])
        for name in dimension.when.keys() & other.when
    )


def ordered(space: Space) -> tuple[str, ...]:
    """The paths, each behind those its condition names, otherwise as they were given.

    Raises:
        ValueError: Conditions form a circle.
    """
    order: list[str] = []
    left = list(space)
    while left:
        ready = [path for path in left if not set(space[path].when) & set(left)]
        if not ready:
            raise ValueError(f"the conditions of {', '.join(left)} depend on each other")
        order.append(ready[0])
        left.remove(ready[0])
    return tuple(order)


def applies(space: Space, path: str, params: Mapping[str, JSON], base: Mapping[str, JSON]) -> bool:
    """Whether a dimension's condition holds; what is not searched is read from the (flat) base."""
    for name, allowed in space[path].when.items():
        settings = params if name in space else base
        if name not in settings or settings[name] not in allowed:
            return False
    return True


def grid(space: Space, base: Mapping[str, JSON]) -> Iterator[Params]:
    """Every configuration once, in the order of the file, the last dimension fastest."""

    def extend(params: Params, rest: Sequence[str]) -> Iterator[Params]:
        if not rest:
            yield params
            return
        path, *others = rest
        if not applies(space, path, params, base):
            yield from extend(params, others)
            return
        for value in space[path].finite or ():
            yield from extend({**params, path: value}, others)

    return extend({}, ordered(space))


def grid_bound(space: Space) -> int:
    """An upper bound of the grid's size."""
    return math.prod(len(dimension.finite or (None,)) for dimension in space.values())


def draws(space: Space, base: Mapping[str, JSON], seed: int) -> Iterator[Params]:
    """Random configurations, no two equal; ends where a finite space seems used up."""
    chance = stream(seed, "sweep/random")
    order = ordered(space)
    seen: set[str] = set()
    misses = 0
    while misses < MAX_MISSES:
        params = _place(space, base, {path: chance.random() for path in order})
        misses += 1
        if (key := identity(params)) not in seen:
            seen.add(key)
            misses = 0
            yield params


def spread(space: Space, base: Mapping[str, JSON], seed: int, count: int) -> list[Params]:
    """A Latin hypercube: every dimension is cut into ``count`` parts, and each part used once.

    McKay, Beckman and Conover (1979). A few such starting points cover a space that as many
    independent draws often miss (with two variants and five draws, one variant once in 16).
    """
    chance = stream(seed, "sweep/start")
    columns: dict[str, list[float]] = {}
    for path in ordered(space):
        parts = list(range(count))
        chance.shuffle(parts)
        columns[path] = [(part + chance.random()) / count for part in parts]
    return [
        _place(space, base, {path: column[index] for path, column in columns.items()})
        for index in range(count)
    ]


def identity(params: Mapping[str, JSON]) -> str:
    """Equal for equal configurations."""
    return json.dumps(dict(params), sort_keys=True)


def _place(space: Space, base: Mapping[str, JSON], units: Mapping[str, float]) -> Params:
    params: Params = {}
    for path, unit in units.items():  # in the order of `ordered`
        if applies(space, path, params, base):
            params[path] = space[path].at(unit)
    return params
