"""Error rates, coverage and power of ``harness.statistics.crossed``, by simulation.

    python tests/statistics/simulate.py [--datasets 2000] [--write]

Scores are 0/1 with ``logit(p) = mu + item + seed`` (items' sd 2; the sd between seeds chosen so
that that of the mean is 0, .03 or .06), or counts of such a number of words per item, whose ratio
of sums is a corpus metric like BLEU's precision. Two configurations share their items; where items
differ between configurations, half of an item's variance is the configuration's own. With common
seeds a seed's effect is shared to one half, and the sides are paired; else it is not.

Every cell has a true difference of 0: false positives at .05, coverage of 0, and power where 2.8
true standard errors (of the simulated differences) are added to each estimate. ``simulated.md``
beside this has them with their binomial standard errors.

Shapes: D data sets, S seeds, N items.
"""

import argparse
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.statistics.crossed import Components, components

Floats = NDArray[np.float64]

SEEDS = (2, 3, 5, 10)
ITEMS = (50, 200, 1100)
SPREADS = (0.0, 0.03, 0.06)
KINDS = ("mean", "ratio", "suite")
MU, ITEM_SD, EFFECT = 1.0, 2.0, 2.8
MOST_AT_ONCE = 4_000_000


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
    seed_sd = _logit_sd(cell.spread)
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


def _logit_sd(spread: float) -> float:
    """The seeds' sd on the logit scale that gives the mean this sd, to first order."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(41)
    p = 1 / (1 + np.exp(-(MU + ITEM_SD * nodes)))
    slope = float((weights * p * (1 - p)).sum() / weights.sum())
    return spread / slope


def table(datasets: int) -> list[tuple[Cell, Outcome]]:
    """All cells."""
    return [(cell, simulate(cell, datasets)) for cell in cells()]


def written(rows: list[tuple[Cell, Outcome]]) -> str:
    """As Markdown."""
    error = math.sqrt(0.05 * 0.95 / rows[0][1].datasets)
    power_error = math.sqrt(0.25 / rows[0][1].datasets)
    lines = [
        "# Error rates, coverage and power of the intervals",
        "",
        "Made by `python tests/statistics/simulate.py --write`; what is simulated stands there.",
        f"{rows[0][1].datasets:,} data sets a cell: a rate near .05 has a standard error of "
        f"{error:.4f}, a power near .5 one of {power_error:.3f}.",
        "",
        "| metric | seeds | items | sd between seeds | items are | seeds are | false positives | "
        "coverage | power | power, variance known |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for cell, outcome in rows:
        seeds = f"{cell.first_seeds}, {cell.second_seeds}"
        lines.append(
            f"| {cell.kind} | {seeds} | {cell.items} | {cell.spread:g} | "
            f"{'alike' if cell.alike else 'different'} | "
            f"{'common' if cell.common else 'separate'} | {outcome.false_positives:.3f} | "
            f"{outcome.coverage:.3f} | {outcome.power:.2f} | {outcome.known:.2f} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--datasets", type=int, default=2000)
    parser.add_argument("--write", action="store_true", help="write simulated.md beside this file")
    options = parser.parse_args()
    text = written(table(options.datasets))
    if options.write:
        (Path(__file__).with_name("simulated.md")).write_text(text, encoding="utf-8")
    print(text)
