"""What a sweep would do: counted and estimated, nothing run and nothing written."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from harness.sweep.budget import Shares, budget_of, planned, shares_of
from harness.sweep.configurations import VARIANT, configure
from harness.sweep.record import journal_path
from harness.sweep.space import Params
from harness.sweep.spec import SweepSpec
from harness.sweep.study import find_study
from harness.trial.texts import Texts, texts_to_write

ASSUMED_RUN_S = 60.0
"""Seconds of a run where no earlier one says better."""

_FRONT_GUESS = 4
_SECONDS = "seconds"
_TOKENS = ("train/tokens", "cost/generated_tokens")


@dataclass(frozen=True, slots=True)
class SweepPlan:
    """A sweep before it is run, or continued.

    Attributes:
        trials: The budget.
        ended: Trials complete or failed already.
        begun: Trials that were begun and are to be continued.
        guided: Trials of the budget the sampler proposes from what it has seen; the others are
            settled beforehand.
        search_runs: Runs still to make for the trials: one per seed.
        confirm_runs: Runs still to make for the second look, at most (how many members the front
            has is not known before).
        base_known: Whether the untuned model has been scored.
        configurations: What is settled beforehand, in order.
        shares: How many configurations each method is tried with, where that is settled.
        stages: Finished stages in the home folder by name; some may fit, and are then not made
            again.
        run_seconds: Mean time of a run.
        basis: Where that comes from.
        seconds: Estimate for everything, with the workers asked for.
        tokens: Estimate of tokens trained on and generated; {} where nothing earlier tells.
        texts: What models have to write for the training of what is settled beforehand.
    """

    name: str
    question: str
    sampler: str
    workers: int
    seeds: int
    trials: int
    ended: int
    begun: int
    guided: int
    search_runs: int
    confirm_runs: int
    base_known: bool
    configurations: tuple[Params, ...]
    shares: Shares | None
    stages: Mapping[str, int]
    run_seconds: float
    basis: str
    seconds: float
    tokens: Mapping[str, float]
    texts: Texts


def plan_sweep(
    spec: SweepSpec, *, home: Path, workers: int = 1, storage: str | None = None
) -> SweepPlan:
    """What ``run_sweep`` would do now."""
    configurations = planned(spec)
    budget = budget_of(spec, configurations)
    study = find_study(journal_path(home, spec.name, storage), storage, spec.name)
    trials = [] if study is None else study.trials()
    ended = sum(trial.state in ("complete", "failed") for trial in trials)
    left = max(0, budget - ended)
    confirmed = 0 if study is None else sum(map(len, study.confirmed().values()))
    confirming = max(0, confirm_runs(spec, budget) - confirmed)
    search_runs = left * len(spec.seeds)
    earlier = _earlier_runs(home)
    run_seconds, tokens, basis = _estimate(spec, configurations, earlier)
    base_known = study is not None and "base" in study.notes
    runs = search_runs + confirming
    return SweepPlan(
        name=spec.name,
        question=spec.question,
        sampler=spec.sampler.name,
        workers=workers,
        seeds=len(spec.seeds),
        trials=budget,
        ended=ended,
        begun=len(trials) - ended,
        guided=max(0, budget - len(configurations)),
        search_runs=search_runs,
        confirm_runs=confirming,
        base_known=base_known,
        configurations=tuple(configurations[:budget]),
        shares=shares_of(spec, configurations),
        stages=_stages(home),
        run_seconds=run_seconds,
        basis=basis,
        seconds=run_seconds * runs / workers,
        tokens={name: mean * runs for name, mean in tokens.items()},
        texts=texts_to_write(
            [
                configure(spec.base, params, seed=seed)
                for params in configurations[:budget]
                for seed in spec.seeds
            ],
            home,
        ),
    )


def confirm_runs(spec: SweepSpec, budget: int) -> int:
    """How many runs the second look takes at most; how many members the front has is a guess."""
    if spec.confirm is None:
        return 0
    members, compare = spec.confirm.at_most or _FRONT_GUESS, spec.confirm.compare
    values = () if compare is None else spec.space[compare].finite or ()
    if spec.confirm.members == "all":
        members = budget
    elif spec.confirm.members == "fronts":
        members *= len(values)
    else:
        members += max(0, len(values) - 1)
    return min(budget, members) * len(spec.confirm.seeds)


def _stages(home: Path) -> dict[str, int]:
    manifests = sorted((home / "store").glob("*/[!.]*/manifest.json"))
    return dict(Counter(manifest.parent.parent.name for manifest in manifests))


def _earlier_runs(home: Path) -> dict[str, list[dict[str, float]]]:
    """By variant what each run in this home took that trained something: seconds and tokens."""
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    for path in sorted((home / "trials").glob("*.json")):
        for result in json.loads(path.read_text(encoding="utf-8"))["results"]:
            if result["seconds"].get("adapter", 0.0) > 0:
                tokens = {name: result["facts"].get(name, 0.0) for name in _TOKENS}
                took = {_SECONDS: sum(result["seconds"].values()), **tokens}
                runs[result["variant"]].append(took)
    return runs


def _estimate(
    spec: SweepSpec,
    configurations: Sequence[Params],
    earlier: Mapping[str, Sequence[Mapping[str, float]]],
) -> tuple[float, dict[str, float], str]:
    """Mean seconds and tokens of a run, each variant weighed as often as it is planned."""
    default = spec.base.variant.name
    variants = [str(params.get(VARIANT, default)) for params in configurations]
    measured = [name for name in variants if name in earlier]
    if not measured:
        return ASSUMED_RUN_S, {}, "assumed, for lack of earlier runs in this home"

    def mean(cost: str) -> float:
        return fmean(fmean(run[cost] for run in earlier[name]) for name in measured)

    tokens = {name: mean(name) for name in _TOKENS}
    num = sum(len(earlier[name]) for name in set(measured))
    return mean(_SECONDS), tokens, f"mean of {num} earlier runs in this home"
