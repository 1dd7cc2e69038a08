"""Which configurations a sweep's first trials have: settled by the specification alone."""

from itertools import islice

from harness.settings.yaml import flatten
from harness.sweep.space import Params, draws, grid, spread
from harness.sweep.spec import SweepSpec


def planned(spec: SweepSpec) -> list[Params]:
    """All configurations of a grid or a random sweep; of any other, those before it is guided."""
    base = flatten(spec.base.plain())
    sampler = spec.sampler
    if sampler.name == "grid":
        return list(islice(grid(spec.space, base), spec.trials))
    if sampler.name == "random":
        return list(islice(draws(spec.space, base, sampler.seed), spec.trials))
    return spread(spec.space, base, sampler.seed, sampler.startup)


def budget_of(spec: SweepSpec, configurations: list[Params]) -> int:
    """How many trials there will be: a finite space may hold fewer than were asked for."""
    if spec.sampler.guides:
        assert spec.trials is not None
        return spec.trials
    return len(configurations)
