"""How many configurations a sweep tries, what is settled beforehand, what each method gets."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest

from pydantic import ValidationError

from harness.protocols import Showing
from harness.settings import plugins
from harness.settings.yaml import flatten
from harness.sweep.configurations import VARIANT
from harness.sweep.space import Params, Space, draws, grid, only, spread
from harness.sweep.spec import SweepSpec
from harness.trial.config import TrialConfig


def planned(spec: SweepSpec) -> list[Params]:
    """All configurations of a grid or a random sweep; of any other, those before it is guided.

    Where values take turns, each has the same draws as the others for what they share.
    """
    if spec.trials_per is None:
        return _settled(spec, spec.space)
    lists = [_settled(spec, only(spec.space, spec.trials_per, value)) for value in spec.turns]
    return [params for turn in zip_longest(*lists) for params in turn if params is not None]


def _settled(spec: SweepSpec, space: Space) -> list[Params]:
    base = flatten(spec.base.plain())
    sampler = spec.sampler
    if sampler.name == "grid":
        return list(islice(grid(space, base), spec.trials))
    if sampler.name == "random":
        return list(islice(draws(space, base, sampler.seed), spec.trials))
    return spread(space, base, sampler.seed, sampler.startup)


def showing(spec: SweepSpec) -> list[TrialConfig]:
    """Of what is settled beforehand the configurations that show the model something, once each."""
    variants = spec.space[VARIANT].finite if VARIANT in spec.space else None
    names = {spec.base.variant.name} if variants is None else set(map(str, variants))
    shows = {name for name in names if issubclass(plugins.load("variant", name), Showing)}
    configs: dict[str, TrialConfig] = {}
    for params in planned(spec) if shows else ():
        if params.get(VARIANT, spec.base.variant.name) in shows:
            with contextlib.suppress(ValidationError):  # the trial tells of it
                config = spec.configure(params)
                configs.setdefault(config.fingerprint(), config)
    return list(configs.values())


def budget_of(spec: SweepSpec, configurations: Sequence[Params]) -> int:
    """How many trials there will be: a finite space may hold fewer than were asked for."""
    if spec.sampler.guides:
        assert spec.trials is not None
        return spec.trials * max(1, len(spec.turns))
    return len(configurations)


@dataclass(frozen=True, slots=True)
class Shares:
    """How many different configurations each value of a setting is tried with, at most.

    Attributes:
        path: The setting.
        counts: By value, in the order of the file.
    """

    path: str
    counts: Mapping[str, int]

    @property
    def equal(self) -> bool:
        return len(set(self.counts.values())) == 1

    def __str__(self) -> str:
        return ", ".join(f"{value} {count}" for value, count in self.counts.items())


def shares_of(spec: SweepSpec, configurations: Sequence[Params]) -> Shares | None:
    """Of the setting that takes turns, is compared or is the method; None where a sampler decides.

    Nor is there anything to tell where no such setting is searched.
    """
    compare = None if spec.confirm is None else spec.confirm.compare
    path = spec.trials_per or compare or VARIANT
    values = (spec.space[path].finite if path in spec.space else None) or ()
    if len(values) < 2 or (spec.sampler.guides and not spec.turns):
        return None
    if spec.sampler.guides:
        base = flatten(spec.base.plain())
        spaces = [only(spec.space, path, value) for value in values]
        tried = [islice(draws(s, base, spec.sampler.seed), spec.trials) for s in spaces]
        counts = [sum(1 for _ in different) for different in tried]
    else:
        counts = [sum(params.get(path) == value for params in configurations) for value in values]
    return Shares(path, dict(zip(map(str, values), counts, strict=True)))


def warning_of(shares: Shares | None) -> str | None:
    """What is to be said before a sweep of unequal shares begins; None of equal ones."""
    if shares is None or shares.equal:
        return None
    return (
        f"configurations by {shares.path}: {shares}. Whatever is tried more often has the better "
        f"chance to look good; `trials_per: {shares.path}` and as many different settings give "
        "each the same number"
    )
