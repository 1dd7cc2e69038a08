"""How often a share of being on the front comes true, and how often a front's interval covers.

    python tests/statistics/simulate_fronts.py [--datasets 400] [--write]

Eight trials with two objectives of 200 items each. Scores are 0/1 with ``logit(p) = mu + item +
seed`` as in ``simulate.py``: all trials share the items, the mu of trials and objectives are drawn
anew for every data set (sd .5), and every trial has seeds of its own that bear the same numbers, as
in a sweep. A trial is truly on the front where no other has a larger mu in both objectives.

``fronts.md`` beside this has, for bands of the share that is told, how often the trial was truly on
the front. Shapes: T trials, M objectives, S seeds, N items.
"""

import argparse
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from harness.records import Objective, parse_key
from harness.statistics.combining import MIN_APART, at_matched, volume_sample
from harness.statistics.comparing import compare, interval
from harness.statistics.crossed import Floats, ItemTable, Sample
from harness.statistics.fronts import draw_values, non_dominated
from harness.statistics.pareto import hypervolume
from tests.statistics.simulate import ITEM_SD, MU, logit_sd

TRIALS, OBJECTIVES, ITEMS = 8, 2, 200
SPREAD_OF_TRIALS = 0.5
BANDS = ((0.05, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.001))
DRAWS = 1000
GOALS = tuple(Objective(parse_key(f"{name}/summary"), True, 0.0, 1.0) for name in ("task", "other"))


@dataclass(frozen=True)
class FrontCell:
    """One setting; ``spread`` is the sd between seeds of the mean."""

    seeds: int
    spread: float


def cells() -> Iterator[FrontCell]:
    for spread in (0.0, 0.03, 0.06):
        for seeds in (1, 2, 3, 5, 10):
            yield FrontCell(seeds, spread)


def shares_and_truth(cell: FrontCell, datasets: int, seed: int = 0) -> tuple[Floats, Floats]:
    """Of every trial of every data set the share that is told, and whether it was true."""
    rng = np.random.default_rng([seed, cell.seeds, round(cell.spread * 1000)])
    told, true = [], []
    for _ in range(datasets):
        mu_TM = rng.normal(MU, SPREAD_OF_TRIALS, (TRIALS, OBJECTIVES))
        drawn = draw_values(_samples(cell, mu_TM, rng), DRAWS)
        losses = np.stack(
            [np.stack([-drawn[t, m] for m in range(OBJECTIVES)], axis=1) for t in range(TRIALS)],
            axis=1,
        )
        told.append(non_dominated(losses).mean(axis=0))
        true.append(non_dominated(-mu_TM[None])[0])
    return np.concatenate(told), np.concatenate(true).astype(np.float64)


def _samples(
    cell: FrontCell, mu_TM: Floats, rng: np.random.Generator
) -> dict[tuple[int, int], Sample]:
    seeds = tuple(range(1, cell.seeds + 1))
    effects_TS = rng.normal(0, logit_sd(cell.spread), (len(mu_TM), cell.seeds))
    samples = {}
    for objective in range(OBJECTIVES):
        items = tuple(f"{objective}-{number}" for number in range(ITEMS))
        item_N = rng.normal(0, ITEM_SD, ITEMS)
        for trial in range(len(mu_TM)):
            logits = mu_TM[trial, objective] + item_N + effects_TS[trial][:, None]
            scores_SN = (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(np.float64)
            table = ItemTable(scores_SN, items)
            samples[trial, objective] = Sample(scores_SN.mean(axis=1), (table,), seeds)
    return samples


@dataclass(frozen=True)
class Covered:
    """How often intervals cover, and how often equal systems are told apart at .05."""

    volume: float
    volumes_apart: float
    matched: float
    matched_apart: float


def coverage(cell: FrontCell, datasets: int, seed: int = 0, apart: float = 1.0) -> Covered:
    """Of the hypervolume of four points on a line, and of a method that lies on another's line.

    Two methods have the same four points, evenly along a line on which one objective falls as the
    other rises; a third lies half way between the second and the third of them. The points are .07
    apart, times ``apart``.
    """
    rng = np.random.default_rng([seed, cell.seeds, round(cell.spread * 1000), 1])
    grid = np.linspace(-0.9, 0.9, 4) * apart
    mu_TM = MU + np.stack([grid, -grid], axis=1)
    means_TM = mean_of(mu_TM, cell)
    true = hypervolume(means_TM.tolist(), maximize=[True, True], reference=[0, 0])
    middle_M = mu_where(means_TM[1:3].mean(axis=0), cell)
    mu_TM = np.concatenate([mu_TM, mu_TM, middle_M[None]])
    counts = np.zeros(4)
    for _ in range(datasets):
        samples = _samples(cell, mu_TM, rng)
        points = [(samples[t, 0], samples[t, 1]) for t in range(len(mu_TM))]
        first, second = (volume_sample(side, GOALS) for side in (points[:4], points[4:8]))
        named = [dict(zip(("task", "other"), point, strict=True)) for point in points]
        sides = at_matched(named[8], named[:4], "task", "other")
        assert first is not None
        assert second is not None
        difference = compare(first, second)
        counts[0] += _covers(interval(first), true)
        counts[1] += difference.p_value is not None and difference.p_value <= 0.05
        if sides is None:
            counts[2] += 1  # nothing is said, so nothing wrong
            continue
        matched = compare(sides.own, sides.rival)
        counts[2] += _covers((matched.low, matched.high), 0.0)
        shown = matched.p_value is not None and matched.p_value <= 0.05
        counts[3] += shown and sides.tells
    return Covered(*(counts / datasets).tolist())


def _covers(bounds: tuple[float | None, float | None] | None, true: float) -> bool:
    low, high = bounds or (None, None)
    return low is not None and high is not None and low <= true <= high


def mean_of(mu: Floats, cell: FrontCell) -> Floats:
    """The mean score over items and seeds."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(61)
    sd = np.hypot(ITEM_SD, logit_sd(cell.spread))
    scores = 1 / (1 + np.exp(-(mu[..., None] + sd * nodes)))
    means: Floats = (scores * weights).sum(axis=-1) / weights.sum()
    return means


def mu_where(means: Floats, cell: FrontCell) -> Floats:
    """The mu that have these means."""
    grid = np.linspace(-6, 8, 4001)
    found: Floats = np.interp(means, mean_of(grid, cell), grid)
    return found


def written(datasets: int) -> str:
    """All cells, as Markdown."""
    heads = " | ".join(f"{low:g} to {min(high, 1):g}" for low, high in BANDS)
    lines = [
        "# How often a share of being on the front comes true",
        "",
        "Made by `python tests/statistics/simulate_fronts.py --write`; what is simulated stands "
        f"there. {datasets} data sets of {TRIALS} trials a cell; in brackets the binomial standard "
        "error.",
        "",
        "With one seed nothing is known of other seeds, and the shares are wrong as soon as they "
        "matter: where they are shown, it is said that they are of items alone.",
        "",
        f"| sd between seeds | seeds | {heads} |",
        "|---|---|" + "---|" * len(BANDS),
    ]
    for cell in cells():
        told, true = shares_and_truth(cell, datasets)
        shown = []
        for low, high in BANDS:
            inside = true[(told >= low) & (told < high)]
            rate = inside.mean() if len(inside) else float("nan")
            error = np.sqrt(max(rate * (1 - rate), 0.0) / max(len(inside), 1))
            shown.append(f"{rate:.2f} ({error:.2f})")
        lines.append(f"| {cell.spread:g} | {cell.seeds} | {' | '.join(shown)} |")
    lines += [
        "",
        "# How often intervals of whole fronts and at matched task cover",
        "",
        f"{datasets} data sets a cell: a rate near .05 has a standard error of "
        f"{np.sqrt(0.05 * 0.95 / datasets):.3f}. False positives are of two methods with the same "
        "points, and of a method that lies on the other's line. Matched intervals are too "
        "narrow where a rival's points are hardly further apart than seeds move them; from points "
        f"less than {MIN_APART:g} standard errors apart nothing is decided.",
        "",
        "| points apart | sd between seeds | seeds | hypervolume: coverage | false positives | "
        "matched: coverage | false positives |",
        "|---|---|---|---|---|---|---|",
    ]
    for apart, cell in itertools.product((1.0, 2.0), cells()):
        if cell.seeds > 1:
            of_cell = coverage(cell, datasets, apart=apart)
            lines.append(
                f"| {0.07 * apart:g} | {cell.spread:g} | {cell.seeds} | {of_cell.volume:.3f} | "
                f"{of_cell.volumes_apart:.3f} | {of_cell.matched:.3f} | "
                f"{of_cell.matched_apart:.3f} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--datasets", type=int, default=400)
    parser.add_argument("--write", action="store_true", help="write fronts.md beside this file")
    options = parser.parse_args()
    text = written(options.datasets)
    if options.write:
        (Path(__file__).with_name("fronts.md")).write_text(text, encoding="utf-8")
    print(text)
