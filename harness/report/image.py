"""The front as a picture for paper and slides (matplotlib), without a display."""

from itertools import combinations
from pathlib import Path

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.records import Split
from harness.report.points import BASE_COLOUR, FRAME, GRID, INK, Point, Points, reach


def write_front_png(points: Points, path: Path) -> None:
    """The objectives in pairs, with intervals; one objective over the trials."""
    count = len(points.axes)
    pairs = [(0, 0)] if count == 1 else list(combinations(range(count), 2))
    columns = min(3, len(pairs))
    rows = -(-len(pairs) // columns)
    size = (6.4, 4.6) if len(pairs) == 1 else (4.6 * columns, 4.0 * rows)
    figure = Figure(figsize=size, dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False).flatten()
    for axes, (x, y) in zip(panels, pairs, strict=False):
        _draw(axes, points, x, y)
    for axes in panels[len(pairs) :]:
        axes.set_visible(False)
    handles, labels = panels[0].get_legend_handles_labels()
    unique: dict[str, Artist] = {}
    for label, handle in zip(labels, handles, strict=True):
        unique.setdefault(label, handle)
    if not all(point.feasible for point in points.trials):
        unique["hollow: breaks a constraint"] = Line2D(
            [], [], marker="o", color=BASE_COLOUR, markerfacecolor="white", linestyle="none"
        )
    if unique:
        figure.legend(
            list(unique.values()),
            list(unique),
            loc="outside upper left",
            ncols=min(4, len(unique)),
            frameon=False,
            fontsize=8,
        )
    what = "test benchmarks" if points.split is Split.TEST else "validation benchmarks"
    figure.text(0.995, 0.005, what, ha="right", va="bottom", fontsize=7, color=BASE_COLOUR)
    figure.savefig(path, metadata={"Software": None})


def _draw(axes: Axes, points: Points, x: int, y: int) -> None:
    single = len(points.axes) == 1
    corners = points.edge(x, y)
    if corners:
        axes.step(
            [corner[0] for corner in corners],
            [corner[1] for corner in corners],
            where="post" if not points.maximize[x] else "pre",
            color="#9aa0a6",
            linewidth=0.9,
            linestyle=":",
            zorder=1,
        )
    everyone = points.everyone
    # The legend shows the first of its kind, so those that keep the constraints come first.
    for tick, point in sorted(enumerate(everyone), key=lambda numbered: not numbered[1].feasible):
        named = point.on_front or point.style is None or points.split is Split.TEST
        _draw_point(axes, point, x, y, float(tick) if single else None, named=named)
    axes.set_xlabel("trial" if single else points.axes[x], fontsize=9, color=INK)
    axes.set_ylabel(points.axes[y], fontsize=9, color=INK)
    if points.ranges[x] is not None and not single:
        axes.set_xlim(points.ranges[x])
    if points.ranges[y] is not None:
        axes.set_ylim(points.ranges[y])
    if single:
        axes.set_xticks(range(len(everyone)), [point.name for point in everyone])
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(labelsize=8, colors=INK)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(FRAME)


def _draw_point(
    axes: Axes, point: Point, x: int, y: int, tick: float | None, *, named: bool
) -> None:
    across = point.values[x].value if tick is None else tick
    strong = point.on_front or point.style is None
    axes.errorbar(
        [across],
        [point.values[y].value],
        xerr=None if tick is not None else _bars(point, x),
        yerr=_bars(point, y),
        color=point.colour,
        alpha=0.9 if strong else 0.4,
        elinewidth=0.8,
        marker=point.symbol[1],
        markersize=7 if strong else 5,
        markerfacecolor=point.colour if point.feasible else "white",
        linestyle="none",
        label="base, untuned"
        if point.style is None
        else point.variant + (", on the front" if point.on_front else ""),
        zorder=3 if strong else 2,
    )
    if named:
        axes.annotate(
            point.name,
            (across, point.values[y].value),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=8,
            color=INK,
        )


def _bars(point: Point, axis: int) -> list[list[float]]:
    below, above = reach(point.values[axis])
    return [[below], [above]]
