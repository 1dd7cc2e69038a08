"""Error rates, coverage and power of ``harness.statistics.crossed``, by simulation.

    python tests/statistics/simulate.py [--datasets 2000] [--write] [--section intervals]

``simulated.md`` beside this has a section each, with binomial standard errors.

**Intervals.** Scores are 0/1 with ``logit(p) = mu + item + seed`` (items' sd 2; the sd between
seeds chosen so that that of the mean is 0, .03 or .06), or counts of such a number of words per
item, whose ratio of sums is a corpus metric like BLEU's precision. Two configurations share their
items; where items differ between configurations, half of an item's variance is the configuration's
own. With common seeds a seed's effect is shared to one half, and the sides are paired; else it is
not.

Every cell has a true difference of 0: false positives at .05, coverage of 0, and power where 2.8
true standard errors (of the simulated differences) are added to each estimate.

**Planning.** Normal scores whose parts are known; the true difference is the least that
``harness.statistics.planning`` promises to show in .80. For the gate eight keys without a true
drop, at the least tolerance at which all are promised to pass together in .80.

**Clusters.** Scores of 0/1, but items come in clusters of 1 to 9 that share their part, half of
which is a configuration's own; without seeds (two fixed systems), and with five separate ones.

Shapes: D data sets, S seeds, N items, C clusters.
"""

import argparse
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.statistics.crossed import Components, ItemTable, Sample, components
from harness.statistics.gating import Drop, GateDecision, drop_of, judge
from harness.statistics.planning import POWER, Units, least_amount

Floats = NDArray[np.float64]

SEEDS = (2, 3, 5, 10)
ITEMS = (50, 200, 1100)
SPREADS = (0.0, 0.03, 0.06)
KINDS = ("mean", "ratio", "suite")
MU, ITEM_SD, EFFECT = 1.0, 2.0, 2.8
MOST_AT_ONCE = 4_000_000
NUM_KEYS = 8
PARTS = {"item": 0.4, "rest": 0.35}
"""Standard deviations of the scores that plans are made for."""


@dataclass(frozen=True)
class Cell:
    """One setting of the simulation; ``spread`` is the sd between seeds of the mean."""

    kind: str
    first_seeds: int
    second_seeds: int
    items: int
    spread: float
    alike: bool
    common: bool


@dataclass(frozen=True)
class Outcome:
    """What was counted in a cell, and of how many data sets."""

    datasets: int
    false_positives: float
    coverage: float
    power: float
    known: float
    """The power of the test that knows the variance."""


def cells(kinds: tuple[str, ...] = KINDS) -> Iterator[Cell]:
    """All settings: equal numbers of seeds, common or separate, and unequal ones."""
    for kind, items, spread, alike in itertools.product(kinds, ITEMS, SPREADS, (True, False)):
        for seeds, common in itertools.product(SEEDS, (True, False)):
            yield Cell(kind, seeds, seeds, items, spread, alike, common)
        for first, second in ((2, 10), (3, 5), (10, 3)):
            yield Cell(kind, first, second, items, spread, alike, False)


def simulate(cell: Cell, datasets: int = 2000, seed: int = 0) -> Outcome:
    """Counts one cell."""
    name = f"{cell}".encode()
    rng = np.random.default_rng([seed, int.from_bytes(name, "little") % 2**63])
    at_once = max(1, MOST_AT_ONCE // (cell.items * (cell.first_seeds + cell.second_seeds)))
    sizes = [min(at_once, datasets - start) for start in range(0, datasets, at_once)]
    parts = [_estimates(cell, size, rng) for size in sizes]
    estimates = np.concatenate([value for value, _ in parts])
    two_sided = np.concatenate([2 * found.tail(np.abs(value)) for value, found in parts])
    half_widths = np.concatenate([found.half_width(0.975) for _, found in parts])
    shift = EFFECT * float(estimates.std())
    moved = estimates + shift
    edges = np.cumsum(sizes)[:-1]
    powers = np.concatenate(
        [
            2 * found.tail(np.abs(value))
            for value, (_, found) in zip(np.split(moved, edges), parts, strict=True)
        ]
    )
    known = 1.959964
    return Outcome(
        datasets,
        float(np.mean(two_sided <= 0.05)),
        float(np.mean(np.abs(estimates) <= half_widths + 1e-12)),
        float(np.mean(powers <= 0.05)),
        float(np.mean(np.abs(moved) > known * estimates.std())),
    )


def _estimates(cell: Cell, datasets: int, rng: np.random.Generator) -> tuple[Floats, Components]:
    """Differences, [D], with their components."""
    benchmarks = 3 if cell.kind == "suite" else 1
    seed_sd = logit_sd(cell.spread)
    seeds = (cell.first_seeds, cell.second_seeds)
    effects = _seed_effects(cell, datasets, seed_sd, rng)
    tables: list[tuple[Floats, ...]] = []
    values: list[list[Floats]] = [[], []]
    for _ in range(benchmarks):
        shared = rng.normal(0, ITEM_SD, (datasets, 1, cell.items))
        sides = []
        for side in range(2):
            item = shared
            if not cell.alike:
                own = rng.normal(0, ITEM_SD, (datasets, 1, cell.items))
                item = (shared + own) / math.sqrt(2)
            p = 1 / (1 + np.exp(-(MU + item + effects[side][:, :, None])))
            if cell.kind == "ratio":
                value, pseudo = _ratio(p, rng)
            else:
                pseudo = (rng.random(p.shape) < p).astype(np.float64)
                value = pseudo.mean(axis=2)
            sides.append(pseudo / benchmarks)
            values[side].append(value / benchmarks)
        tables.append((sides[0], sides[1]))
    by_side = [np.sum(side, axis=0) for side in values]
    estimates = by_side[0].mean(axis=1) - by_side[1].mean(axis=1)
    if cell.common and seeds[0] == seeds[1]:
        differences = [(first - second,) for first, second in tables]
        return estimates, components(differences, [by_side[0] - by_side[1]], [False])
    return estimates, components(tables, by_side, [False, False])


def _seed_effects(cell: Cell, datasets: int, sd: float, rng: np.random.Generator) -> list[Floats]:
    """By side the seeds' effects, [D, S]."""
    if not cell.common:
        return [rng.normal(0, sd, (datasets, n)) for n in (cell.first_seeds, cell.second_seeds)]
    shared = rng.normal(0, sd, (datasets, cell.first_seeds))
    own = (rng.normal(0, sd, shared.shape) for _ in range(2))
    return [(shared + one) / math.sqrt(2) for one in own]


def _ratio(p: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Matched of all words in sentences of 5 to 40: corpus value, [D, S], and pseudo-values."""
    words = rng.integers(5, 41, (p.shape[0], 1, p.shape[2])).astype(np.float64)
    matched = rng.binomial(words.astype(np.int64), p).astype(np.float64)
    all_matched, all_words = matched.sum(axis=2, keepdims=True), words.sum(axis=2, keepdims=True)
    value = all_matched / all_words
    num_items = p.shape[2]
    without = (all_matched - matched) / (all_words - words)
    return value[:, :, 0], num_items * value - (num_items - 1) * without


def logit_sd(spread: float) -> float:
    """The seeds' sd on the logit scale that gives the mean this sd, to first order."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    p = 1 / (1 + np.exp(-(MU + ITEM_SD * nodes)))
    slope = float((weights * p * (1 - p)).sum() / weights.sum())
    return spread / slope


def table(datasets: int) -> list[tuple[Cell, Outcome]]:
    """All cells."""
    return [(cell, simulate(cell, datasets)) for cell in cells()]


def planned_power(
    units: Units, difference: float, num_seeds: int, num_items: int, datasets: int, seed: int = 3
) -> float:
    """How often normal scores with these parts show a true difference."""
    rng = np.random.default_rng([seed, num_seeds, num_items])
    at_once = max(1, MOST_AT_ONCE // (2 * num_seeds * num_items))
    shown = 0
    for start in range(0, datasets, at_once):
        size = min(at_once, datasets - start)
        sides = _normal_sides(units, difference, (size, num_seeds, num_items), rng)
        values = [side.mean(axis=2) for side in sides]
        means = [value.mean(axis=1) for value in values]
        parts = components([tuple(sides)], values, [False] * len(sides))
        estimates = means[0] - (means[1] if len(sides) == 2 else 0)
        shown += int(np.sum(2 * parts.tail(np.abs(estimates)) <= 0.05))
    return shown / datasets


def _normal_sides(
    units: Units, difference: float, shape: tuple[int, int, int], rng: np.random.Generator
) -> list[Floats]:
    """By side scores, [D, S, N]; a single side is the differences of runs with common seeds."""
    num = 2 if units.design == "separate" else 1
    datasets, num_seeds, num_items = shape
    item = rng.normal(0, math.sqrt(units.item), (datasets, 1, num_items))
    seeds = [
        rng.normal(0, math.sqrt(units.seed / num), (datasets, num_seeds, 1)) for _ in range(num)
    ]
    sides = [seed + rng.normal(0, math.sqrt(units.rest / num), shape) for seed in seeds]
    sides[0] += difference + item
    return sides


def gate_passes(
    units: Units, tolerance: float, num_seeds: int, num_items: int, datasets: int
) -> float:
    """How often eight keys of one new run pass together, which is as good as its baseline."""
    rng = np.random.default_rng([4, num_seeds, num_items])
    passes = np.ones(datasets, dtype=bool)
    at_once = max(1, MOST_AT_ONCE // ((num_seeds + 1) * num_items))
    for _, start in itertools.product(range(NUM_KEYS), range(0, datasets, at_once)):
        size = min(at_once, datasets - start)
        shape = (size, num_seeds + 1, num_items)
        scores = rng.normal(0, math.sqrt(units.seed), (*shape[:2], 1))
        scores = scores + rng.normal(0, math.sqrt(units.rest), shape)
        known, new = scores[:, :num_seeds], scores[:, num_seeds]
        values = known.mean(axis=2)
        own = components([(known,)], [values], [False])
        items = (known.mean(axis=1) - new).var(axis=1, ddof=1) / num_items
        more = num_seeds + 1
        parts = replace(own, items=items, seeds=own.seeds * more, rest=own.rest * more)
        drop = values.mean(axis=1) - new.mean(axis=1)
        passes[start : start + size] &= drop + parts.half_width(0.95) < tolerance
    return float(passes.mean())


def clustered_rates(num_clusters: int, num_seeds: int, datasets: int) -> tuple[float, float]:
    """False positives where items are drawn, and where clusters are, no true difference."""
    rng = np.random.default_rng([5, num_clusters, num_seeds])
    shown = np.zeros(2)
    for _ in range(datasets):
        sizes = rng.integers(1, 10, num_clusters)
        cluster_N = np.repeat(np.arange(num_clusters), sizes)
        shared_C = rng.normal(0, ITEM_SD, num_clusters)
        sides = []
        for _ in range(2):
            own_C = rng.normal(0, ITEM_SD, num_clusters)
            seeds_S = rng.normal(0, logit_sd(0.03), max(1, num_seeds))
            logit_SN = MU + ((shared_C + own_C) / math.sqrt(2))[cluster_N] + seeds_S[:, None]
            p_SN = 1 / (1 + np.exp(-(logit_SN - (0 if num_seeds else seeds_S[0]))))
            sides.append((rng.random(p_SN.shape) < p_SN).astype(np.float64))
        values = [side.mean(axis=1) for side in sides]
        fixed = [num_seeds == 0] * 2
        for index, tables in enumerate((sides, [_by_cluster(x, cluster_N, sizes) for x in sides])):
            parts = components([(tables[0], tables[1])], values, fixed)
            difference = abs(float(values[0].mean() - values[1].mean()))
            shown[index] += 2 * float(parts.tail(difference)) <= 0.05
    items, clusters = shown / datasets
    return float(items), float(clusters)


def _by_cluster(
    scores_SN: Floats, cluster_N: NDArray[np.int64], sizes: NDArray[np.int64]
) -> Floats:
    """Pseudo-values of a mean, [S, C]: with clusters of unequal size it is a ratio."""
    num_clusters, num_items = len(sizes), len(cluster_N)
    sums = np.stack([np.bincount(cluster_N, row, num_clusters) for row in scores_SN])
    total = sums.sum(axis=1, keepdims=True)
    without = (total - sums) / (num_items - sizes)
    values: Floats = num_clusters * total / num_items - (num_clusters - 1) * without
    return values


def written_clusters(datasets: int) -> str:
    """The section on clusters."""
    lines = [
        f"False positives at .05; {datasets:,} data sets a cell: standard error "
        f"{math.sqrt(0.05 * 0.95 / datasets):.4f} near .05.",
        "",
        "| clusters | items, about | seeds | items are drawn | clusters are drawn |",
        "|---|---|---|---|---|",
    ]
    for num_clusters, num_seeds in itertools.product((10, 20, 40, 100), (0, 5)):
        items, clusters = clustered_rates(num_clusters, num_seeds, datasets)
        seeds = f"{num_seeds}, {num_seeds}" if num_seeds else "none"
        lines.append(
            f"| {num_clusters} | {5 * num_clusters} | {seeds} | {items:.3f} | {clusters:.3f} |"
        )
    return "\n".join(lines)


def written(datasets: int) -> str:
    """The section on intervals, as Markdown."""
    error, power_error = math.sqrt(0.05 * 0.95 / datasets), math.sqrt(0.25 / datasets)
    lines = [
        f"{datasets:,} data sets a cell: a rate near .05 has a standard error of {error:.4f}, a "
        f"power near .5 one of {power_error:.3f}.",
        "",
        "| metric | seeds | items | sd between seeds | items are | seeds are | false positives | "
        "coverage | power | power, variance known |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cell, outcome in table(datasets):
        seeds = f"{cell.first_seeds}, {cell.second_seeds}"
        lines.append(
            f"| {cell.kind} | {seeds} | {cell.items} | {cell.spread:g} | "
            f"{'alike' if cell.alike else 'different'} | "
            f"{'common' if cell.common else 'separate'} | {outcome.false_positives:.3f} | "
            f"{outcome.coverage:.3f} | {outcome.power:.2f} | {outcome.known:.2f} |"
        )
    return "\n".join(lines)


def written_plans(datasets: int) -> str:
    """The section on planning."""
    lines = [
        f"Promised is .80 in each cell; {datasets:,} data sets a cell: standard error "
        f"{math.sqrt(POWER * (1 - POWER) / datasets):.3f}.",
        "",
        "| seeds | items | sd between seeds | shown, common seeds | shown, separate seeds | "
        f"{NUM_KEYS} keys pass the gate |",
        "|---|---|---|---|---|---|",
    ]
    for num_seeds, num_items, spread in itertools.product((5, 10), ITEMS, SPREADS):
        item, rest = PARTS["item"] ** 2, PARTS["rest"] ** 2
        common = Units(item, 2 * spread**2, 2 * rest, "common")
        one_more = Units(0.0, spread**2, rest, "one more")
        tolerance = least_amount(one_more, num_seeds, num_items, POWER ** (1 / NUM_KEYS))
        shown = [
            planned_power(
                units, least_amount(units, num_seeds, num_items), num_seeds, num_items, datasets
            )
            for units in (common, replace(common, design="separate"))
        ]
        passes = gate_passes(one_more, tolerance, num_seeds, num_items, datasets)
        lines.append(
            f"| {num_seeds} | {num_items} | {spread:g} | {shown[0]:.3f} | {shown[1]:.3f} | "
            f"{passes:.3f} |"
        )
    return "\n".join(lines)


@dataclass(frozen=True)
class GateCell:
    """Runs of one configuration on one benchmark a key, 0/1 scores, and nothing changed."""

    baseline_seeds: int
    new_runs: int
    items: int
    spread: float


@dataclass(frozen=True)
class GateRates:
    """How often each happens, of eight keys."""

    any_regression: dict[float, float]
    """By the tolerance in true standard errors of the difference."""
    all_pass: dict[int, float]
    """Likewise."""
    passes_at_tolerance: float
    """A key, where the true drop is as large as the tolerance; averaged over keys."""


SMALL, PASSING = (0.5, 2.0), (4, 5, 6, 7)
"""Tolerances, in true standard errors of the difference."""


def gate_cells() -> Iterator[GateCell]:
    """All settings: one new run, and several."""
    for seeds, items, spread in itertools.product((3, 5, 10), (100, 1100), SPREADS):
        yield GateCell(seeds, 1, items, spread)
    for seeds, new in ((3, 2), (3, 3), (5, 2), (5, 3), (5, 5)):
        yield GateCell(seeds, new, 100, 0.03)


def simulate_gate(cell: GateCell, datasets: int = 2000, seed: int = 5) -> GateRates:
    """Counts one cell through ``harness.statistics.gating``, a data set at a time."""
    name = f"{cell}".encode()
    rng = np.random.default_rng([seed, int.from_bytes(name, "little") % 2**63])
    drops = [[_drop(cell, rng) for _ in range(NUM_KEYS)] for _ in range(datasets)]
    error = float(np.std([drop.value for keys in drops for drop in keys]))

    def decisions(tolerance: float) -> list[list[GateDecision]]:
        amounts = {str(number): tolerance for number in range(NUM_KEYS)}
        judged = (judge({str(n): d for n, d in enumerate(keys)}, amounts) for keys in drops)
        return [[decision for decision, _ in by_key.values()] for by_key in judged]

    regressions = {
        factor: [GateDecision.REGRESSION in keys for keys in decisions(factor * error)]
        for factor in SMALL
    }
    passes = {
        factor: [set(keys) == {GateDecision.PASS} for keys in decisions(factor * error)]
        for factor in PASSING
    }
    # a true drop of the tolerance moves the bound up by it: it then passes where the bound was < 0
    kept = [(drop.upper() or 0.0) < 0 for keys in drops for drop in keys]
    return GateRates(
        {factor: float(np.mean(found)) for factor, found in regressions.items()},
        {factor: float(np.mean(found)) for factor, found in passes.items()},
        float(np.mean(kept)),
    )


def _drop(cell: GateCell, rng: np.random.Generator) -> Drop:
    """Of a key: new runs less good by nothing but chance."""
    num = cell.baseline_seeds + cell.new_runs
    item = rng.normal(0, ITEM_SD, (1, cell.items))
    effects = rng.normal(0, logit_sd(cell.spread), (num, 1))
    p = 1 / (1 + np.exp(-(MU + item + effects)))
    scores = (rng.random(p.shape) < p).astype(np.float64)
    split = cell.baseline_seeds
    sides = [
        Sample(rows.mean(axis=1), (ItemTable(rows),), seeds)
        for rows, seeds in (
            (scores[:split], tuple(range(split))),
            (scores[split:], tuple(range(split, num))),
        )
    ]
    return drop_of(*sides, higher_is_better=True)


def written_gate(datasets: int) -> str:
    """The section on the gate."""
    error = math.sqrt(0.05 * 0.95 / datasets)
    columns = " | ".join(
        [
            *(f"any regression at {factor:g}" for factor in SMALL),
            *(f"all pass at {factor}" for factor in PASSING),
        ]
    )
    lines = [
        f"{NUM_KEYS} keys, no true change; tolerances in true standard errors of the difference. "
        f"{datasets:,} data sets a cell: a rate near .05 has a standard error of {error:.4f}, one "
        f"of all keys near .9 one of {math.sqrt(0.09 / datasets):.3f}.",
        "",
        f"| baseline seeds | new runs | items | sd between seeds | {columns} | "
        "a key passes, drop = tolerance |",
        "|---" * (5 + len(SMALL) + len(PASSING)) + "|",
    ]
    for cell in gate_cells():
        rates = simulate_gate(cell, datasets)
        counted = " | ".join(
            [
                *(f"{rates.any_regression[factor]:.3f}" for factor in SMALL),
                *(f"{rates.all_pass[factor]:.2f}" for factor in PASSING),
            ]
        )
        lines.append(
            f"| {cell.baseline_seeds} | {cell.new_runs} | {cell.items} | {cell.spread:g} | "
            f"{counted} | {rates.passes_at_tolerance:.3f} |"
        )
    return "\n".join(lines)


SECTIONS: dict[str, tuple[str, Callable[[int], str]]] = {
    "intervals": ("Intervals: error rates, coverage and power", written),
    "clusters": ("Clusters: items that belong together", written_clusters),
    "planning": ("Planning: what is promised and what happens", written_plans),
    "gate": ("Gate: what `harness check` decides about runs that did not change", written_gate),
}
"""Headings, and what writes the text below from a number of data sets."""
PAGE = Path(__file__).with_name("simulated.md")
INTRODUCTION = """# What the statistics of the harness do, by simulation

Made by `python tests/statistics/simulate.py --write`; what is simulated stands there.
"""


def replaced(page: str, heading: str, text: str) -> str:
    """The page with a section written anew, or added to it."""
    sections = page.split("\n## ")[1:]
    by_heading = {section.partition("\n")[0]: section for section in sections}
    by_heading[heading] = f"{heading}\n\n{text}\n"
    return "\n## ".join([INTRODUCTION, *by_heading.values()])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--section", choices=SECTIONS, help="one alone")
    parser.add_argument("--write", action="store_true", help="write simulated.md beside this file")
    options = parser.parse_args()
    for name in (options.section,) if options.section else SECTIONS:
        heading, write = SECTIONS[name]
        text = write(options.datasets)
        if options.write:
            PAGE.write_text(replaced(PAGE.read_text("utf-8"), heading, text), encoding="utf-8")
        print(f"## {heading}\n\n{text}\n")
