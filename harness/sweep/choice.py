"""Which trials are the front, and which of all are worth a second look."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.records import JSON, Objective
from harness.statistics.pareto import front as pareto_front
from harness.statistics.pareto import hypervolume
from harness.statistics.representative import merit, representative
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
    """Numbers of the trials to run once more, the representative of all first.

    The representative of each value of ``compare`` is always among them.
    """
    distinct = _distinct(candidates)
    if spec.members == "all":
        return tuple(candidate.number for candidate in distinct)
    methods: list[list[Candidate]] = []
    if spec.compare is not None:
        values = _values_of(distinct, spec.compare)
        methods = [[c for c in distinct if c.params.get(spec.compare) == v] for v in values]
    groups = methods if spec.members == "fronts" else [distinct]
    chosen = [c.number for group in groups for c in _telling(group, objectives, spec.at_most)]
    chosen += [best.number for group in methods if (best := representative(group, objectives))]
    return tuple(dict.fromkeys(chosen))


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


def _telling(
    rivals: Sequence[Candidate], objectives: Sequence[Objective], at_most: int | None
) -> list[Candidate]:
    """Members of the rivals' front: the representative, then each time the one that adds most.

    What is added is hypervolume; what that leaves open is settled by merit, then by number.
    """
    numbers = set(front_of(rivals, objectives))
    left = [candidate for candidate in rivals if candidate.number in numbers]
    first = representative(left, objectives)
    if first is None:
        return []
    taken = [first]
    left.remove(first)
    while left and len(taken) < (at_most or len(numbers)):
        points = [candidate.values for candidate in taken]
        best = max(
            left,
            key=lambda c: (
                volume([*points, c.values], objectives),
                merit(c.values, objectives),
                -c.number,
            ),
        )
        taken.append(best)
        left.remove(best)
    return taken
