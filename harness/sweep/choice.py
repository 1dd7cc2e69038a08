"""Which trials are the front, and which of all are worth a second look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import JSON, Objective
from harness.statistics.pareto import front as pareto_front
from harness.statistics.pareto import hypervolume
from harness.sweep.space import identity
from harness.sweep.spec import ConfirmSpec


@dataclass(frozen=True, slots=True)
class Candidate:
    """A complete trial as far as choosing goes."""

    number: int
    params: Mapping[str, JSON]
    values: tuple[float, ...]
    feasible: bool


def volume(points: Sequence[Sequence[float]], objectives: Sequence[Objective]) -> float:
    """Hypervolume in the units the sweep's specification states."""
    return hypervolume(
        points,
        maximize=[objective.maximize for objective in objectives],
        reference=[objective.reference for objective in objectives],
        scale=[objective.scale for objective in objectives],
    )


def front_of(candidates: Sequence[Candidate], objectives: Sequence[Objective]) -> tuple[int, ...]:
    """Numbers of the feasible trials that none dominates; a configuration counts once."""
    feasible = [candidate for candidate in _distinct(candidates) if candidate.feasible]
    members = pareto_front(
        [candidate.values for candidate in feasible],
        [objective.maximize for objective in objectives],
    )
    return tuple(feasible[index].number for index in members)


def to_confirm(
    candidates: Sequence[Candidate], objectives: Sequence[Objective], spec: ConfirmSpec
) -> tuple[int, ...]:
    """Numbers of the trials to run once more, the most telling first."""
    distinct = _distinct(candidates)
    if spec.members == "all":
        return tuple(candidate.number for candidate in distinct)
    members = set(front_of(candidates, objectives))
    chosen = _most_volume(
        [candidate for candidate in distinct if candidate.number in members],
        objectives,
        spec.at_most or len(members),
    )
    if spec.compare is not None:
        for value in _values_of(distinct, spec.compare):
            rivals = [c for c in distinct if c.params.get(spec.compare) == value]
            if not any(rival.number in chosen for rival in rivals):
                chosen.append(_best(rivals, objectives).number)
    return tuple(chosen)


def _distinct(candidates: Sequence[Candidate]) -> list[Candidate]:
    first: dict[str, Candidate] = {}
    for candidate in sorted(candidates, key=lambda candidate: candidate.number):
        first.setdefault(identity(candidate.params), candidate)
    return list(first.values())


def _values_of(candidates: Sequence[Candidate], path: str) -> list[JSON]:
    values: list[JSON] = []
    for candidate in candidates:
        if path in candidate.params and candidate.params[path] not in values:
            values.append(candidate.params[path])
    return values


def _most_volume(
    members: Sequence[Candidate], objectives: Sequence[Objective], at_most: int
) -> list[int]:
    """Greedy: each time the member that adds most hypervolume to those already taken."""
    left, taken = list(members), list[Candidate]()
    while left and len(taken) < at_most:
        points = [candidate.values for candidate in taken]
        best = max(
            left, key=lambda c: (volume([*points, c.values], objectives), _leading(c, objectives))
        )
        taken.append(best)
        left.remove(best)
    return [candidate.number for candidate in taken]


def _best(rivals: Sequence[Candidate], objectives: Sequence[Objective]) -> Candidate:
    """The one that by itself dominates most; feasible before infeasible."""
    return max(
        rivals,
        key=lambda c: (c.feasible, volume([c.values], objectives), _leading(c, objectives)),
    )


def _leading(candidate: Candidate, objectives: Sequence[Objective]) -> tuple[float, float]:
    """The first objective, then the earlier trial: settles what hypervolume leaves open."""
    return (objectives[0].merit(candidate.values[0]), -candidate.number)
