"""How sure a score or a difference is: items and seeds as two crossed random samples.

A configuration c, trained with seed s, scores on item i

    x_csi = mean_c + item_ci + seed_cs + rest_csi

Both items and seeds are samples; a claim is about new items *and* new seeds. ``rest`` is what an
item does with a seed, and the noise of decoding: one run cannot tell it from the item or the seed.

**One table for every metric.** For a mean, x_si is the item's score. For a metric of summed
statistics (BLEU, chrF, F1) it is the pseudo-value of the jackknife, ``N f(T_s) - (N - 1)
f(T_s - t_si)`` (Quenouille 1956; Tukey 1958), T_s being the sum of seed s; for a mean that is the
score itself. The value reported is f(T_s), never the mean of pseudo-values.

**Components.** Of N items, S_A and S_B seeds, with d_i the mean over A's seeds less that over B's:

    V_I = var(d_i) / N
    V_S = var(value_As) / S_A + var(value_Bs) / S_B
    V_E = MSE_A / (N S_A) + MSE_B / (N S_B)      (MSE: residual of the two-way table)

Sides that ran with the same seeds are paired: the same three of the one table x_Asi - x_Bsi.
A system without seeds (an untuned model, outputs of another system) adds nothing to V_S and V_E.

**Variance.** V_I and V_S each hold V_E once, so their sum holds it once too often: E(V_I + V_S -
V_E) is the variance of the difference (Cornfield and Tukey 1956; Searle, Casella and McCulloch,
*Variance Components*, 1992, ch. 4). Used is

    V = V_S + max(0, V_I - V_E)

Truncating the seeds' part instead is too wide without an effect of the seed and too narrow with one
at two paired seeds.

**Degrees of freedom** (Satterthwaite 1946), n being those of V_S: S - 1, or Welch's, but never more
than they are where both sides vary alike. (Of two seeds beside ten, the two vary little by luck
often enough to make false positives of .10.)

    df = max(n, V^2 / (V_I^2 / (N - 1) + max(V_S, V_E)^2 / n + V_E^2 / ((N - 1) n)))

V_S is not taken below V_E there: one that is small by luck would earn a large df.

**Half-width** at a quantile q: ``max(t_df(q) sqrt(V), t_n(q) sqrt(V_S))``. The second term is the
plain t test over the seeds' means; either alone is wrong somewhere. p is the larger of the two.

Items that share a document or an entity are no independent draws: their statistics are summed, and
the cluster is the item of all the above; of clusters of unequal size even a mean is a ratio.

A suite is a weighted mean of benchmarks: V_I and V_E add up with squared weights, V_S is that of
the suite's value by seed, as one seed moves all its benchmarks. Simulated error rates, coverage and
power stand in ``tests/statistics/simulated.md``.

Shapes: S seeds, N items, K sufficient statistics; ``...`` any number of leading axes.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats: TypeAlias = NDArray[np.float64]
Aggregate: TypeAlias = Callable[[Sequence[float]], float | None]

LEVEL = 0.95
MIN_ITEMS = 6
"""With fewer there is no interval: even all items in one direction are no evidence at 5 %."""
ROUNDING = 1e-12
"""Differences up to this, relative to the values, are none."""


@dataclass(frozen=True, slots=True)
class ItemTable:
    """What a benchmark adds to a key's value, by run and item.

    Attributes:
        values_SN: Pseudo-values times the benchmark's weight, [S, N]: for a key of one benchmark
            their mean over items is about the value; over the tables of a suite the means add up.
        items: Their names, where other keys may be of the same items.
    """

    values_SN: Floats
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sample:
    """A system at a key: its value by run, and where that comes from.

    Attributes:
        values_S: The key's value by run, [S].
        tables: By benchmark, their items in an order that both sides of a comparison share.
        seeds: Of the runs; empty for a system that has none and is one run.
    """

    values_S: Floats
    tables: tuple[ItemTable, ...]
    seeds: tuple[int, ...] = ()

    @property
    def value(self) -> float:
        """The mean over the runs."""
        return math.fsum(self.values_S) / len(self.values_S)

    @property
    def num_items(self) -> int:
        """Items of all benchmarks."""
        return sum(table.values_SN.shape[1] for table in self.tables)

    @property
    def is_one_seed(self) -> bool:
        """Whether it was trained once, so that nothing is known of other seeds."""
        return len(self.seeds) == 1


@dataclass(frozen=True, slots=True)
class Components:
    """The parts of a variance, each an array over leading axes or one number.

    Attributes:
        items: V_I.
        seeds: V_S; 0 where no side has seeds.
        rest: V_E; 0 likewise.
        items_df: Degrees of freedom of ``items``.
        seeds_df: Of ``seeds``; infinite where no side has seeds.
    """

    items: Floats
    seeds: Floats
    rest: Floats
    items_df: float
    seeds_df: Floats

    @property
    def variance(self) -> Floats:
        """V."""
        total: Floats = self.seeds + np.maximum(0.0, self.items - self.rest)
        return total

    @property
    def df(self) -> Floats:
        """Of the variance, by Satterthwaite."""
        seeds = np.maximum(self.seeds, self.rest)
        with np.errstate(divide="ignore", invalid="ignore"):
            below = (
                self.items**2 / self.items_df
                + seeds**2 / self.seeds_df
                + self.rest**2 / (self.items_df * self.seeds_df)
            )
            df = self.variance**2 / below
        least = np.where(np.isinf(self.seeds_df), self.items_df, self.seeds_df)
        result: Floats = np.where(below > 0, np.maximum(df, least), least)
        return result

    def half_width(self, quantile: float) -> Floats:
        """Of the interval whose upper bound is the quantile."""
        by_all = special.stdtrit(self.df, quantile) * np.sqrt(self.variance)
        by_seeds = special.stdtrit(self.seeds_df, quantile) * np.sqrt(self.seeds)
        width: Floats = np.maximum(by_all, by_seeds)
        return width

    def tail(self, distance: Floats | float) -> Floats:
        """One-sided p-value of an estimate this far above the value it is tested against."""
        with np.errstate(divide="ignore", invalid="ignore"):
            by_all = special.stdtr(self.df, -distance / np.sqrt(self.variance))
            by_seeds = np.where(
                self.seeds > 0, special.stdtr(self.seeds_df, -distance / np.sqrt(self.seeds)), 0.0
            )
        p: Floats = np.maximum(by_all, by_seeds)
        return p


def pseudo_values(statistics_NK: Floats, aggregate: Aggregate) -> Floats | None:
    """The jackknife's pseudo-value of every item, [N]; None where the metric has no value.

    An item without which the metric has no value counts as one that changes nothing.
    """
    num_items = len(statistics_NK)
    totals_K = statistics_NK.sum(axis=0)
    value = aggregate(totals_K.tolist())
    if value is None or num_items < 2:
        return None
    others = (aggregate(row) for row in (totals_K - statistics_NK).tolist())
    without_N = np.array([value if other is None else other for other in others])
    values: Floats = num_items * value - (num_items - 1) * without_N
    return values


def clustered(statistics_NK: Floats, clusters: Sequence[str]) -> Floats:
    """Statistics summed by cluster, [clusters, K], in the order of the clusters' names.

    Items that share a document or an entity are no independent draws: the clusters are.
    """
    names, index_N = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((len(names), statistics_NK.shape[1]))
    np.add.at(sums, index_N, statistics_NK)
    return sums


def residual_mean_square(values_SN: Floats) -> Floats:
    """What is left of a table [..., S, N] without its items' and seeds' means, per df."""
    num_seeds, num_items = values_SN.shape[-2:]
    rest = (
        values_SN
        - values_SN.mean(axis=-1, keepdims=True)
        - values_SN.mean(axis=-2, keepdims=True)
        + values_SN.mean(axis=(-1, -2), keepdims=True)
    )
    squares: Floats = (rest**2).sum(axis=(-1, -2)) / ((num_seeds - 1) * (num_items - 1))
    return squares


def components(
    tables: Sequence[tuple[Floats, ...]],
    values: Sequence[Floats],
    fixed: Sequence[bool],
) -> Components:
    """The parts of the variance of one mean, or of the first side's less the second's.

    Args:
        tables: By benchmark one table [..., S, N] a side.
        values: The key's values by run, one array [..., S] a side.
        fixed: By side, whether it has no seeds.
    """
    items = sum(
        _difference([x.mean(axis=-2) for x in sides]).var(axis=-1, ddof=1) / sides[0].shape[-1]
        for sides in tables
    )
    items_df = float(sum(sides[0].shape[-1] - 1 for sides in tables))
    zero = np.zeros(np.shape(items))
    shares, rests, below = [zero], [zero], [zero]
    for side, values_S in enumerate(values):
        num_seeds = values_S.shape[-1]
        if fixed[side] or num_seeds == 1:
            continue
        share = values_S.var(axis=-1, ddof=1) / num_seeds
        shares.append(share)
        below.append(share**2 / (num_seeds - 1))
        rests += [
            residual_mean_square(sides[side]) / (sides[side].shape[-1] * num_seeds)
            for sides in tables
        ]
    seeds = np.sum(shares, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = seeds**2 / np.sum(below, axis=0)
    sizes = [v.shape[-1] for v, no in zip(values, fixed, strict=True) if not no and len(v.T) > 1]
    even = _even_df(sizes)
    seeds_df = np.where(seeds > 0, np.minimum(welch, even), even)
    return Components(np.asarray(items), seeds, np.sum(rests, axis=0), items_df, seeds_df)


def _even_df(sizes: Sequence[int]) -> float:
    """Welch's degrees of freedom of sides that vary alike; infinite without a side that varies."""
    if not sizes:
        return math.inf
    return sum(1 / n for n in sizes) ** 2 / sum(1 / (n * n * (n - 1)) for n in sizes)


def _difference(means: Sequence[Floats]) -> Floats:
    return means[0] if len(means) == 1 else means[0] - means[1]


def components_of(first: Sample, second: Sample | None = None) -> Components:
    """Those of one value, or of a difference: paired where both sides have the same seeds."""
    if second is None:
        return _components([first])
    if is_paired(first, second):
        order = [second.seeds.index(seed) for seed in first.seeds]
        differences = Sample(
            first.values_S - second.values_S[order],
            tuple(
                ItemTable(mine.values_SN - theirs.values_SN[order])
                for mine, theirs in zip(first.tables, second.tables, strict=True)
            ),
            first.seeds,
        )
        return _components([differences])
    return _components([first, second])


def components_of_new_runs(known: Sample, new: Sample) -> Components:
    """Those of the mean of known runs less that of new ones, which vary by seed as the known do.

    V_I from the items' means over either side's runs; V_S and V_E from the known runs alone, which
    for S known and C new runs are those of the known mean times 1 + S/C; n is S - 1.
    """
    own = _components([known])
    items = sum(
        float((mine.values_SN.mean(axis=0) - other.values_SN.mean(axis=0)).var(ddof=1))
        / mine.values_SN.shape[1]
        for mine, other in zip(known.tables, new.tables, strict=True)
    )
    more = 1 + len(known.values_S) / len(new.values_S)
    return Components(
        np.asarray(items), own.seeds * more, own.rest * more, own.items_df, own.seeds_df
    )


def is_paired(first: Sample, second: Sample) -> bool:
    """Whether both ran with the same seeds: set by the design, before any score."""
    return len(first.seeds) > 1 and sorted(first.seeds) == sorted(second.seeds)


def _components(sides: Sequence[Sample]) -> Components:
    return components(
        [
            tuple(table.values_SN for table in tables)
            for tables in zip(*(side.tables for side in sides), strict=True)
        ],
        [side.values_S for side in sides],
        [not side.seeds for side in sides],
    )
