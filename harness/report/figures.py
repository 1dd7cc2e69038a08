"""The interactive figures of the page (plotly)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import plotly.graph_objects as go

from harness.records import Key, Split, SweepRecord
from harness.report.names import score_names, searched, setting_names
from harness.report.points import FRAME, GRID, INK, Point, Points, reach

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


@dataclass(frozen=True)
class Panel:
    """A figure of the page.

    Attributes:
        figure: Plotly's.
        caption: "" for none.
        beside: Whether it stands in a row with others and has no legend of its own.
        in_space: Whether it is drawn by WebGL, which leaves print empty.
    """

    figure: Any
    caption: str = ""
    beside: bool = False
    in_space: bool = False


def front_figures(points: Points) -> list[Panel]:
    """The objectives of all points: in pairs, and with three or four in space below them."""
    count = len(points.axes)
    if count == 1:
        return [Panel(_single(points), "Each trial's objective, with its interval.")]
    pairs = list(combinations(range(count), 2))
    panels = [Panel(_pair(points, x, y, alone=len(pairs) == 1), beside=len(pairs) > 1)
              for x, y in pairs]  # fmt: skip
    if count > 2:
        which = "The" if count == 3 else "The first"
        panels.append(
            Panel(
                _space(points),
                f"{which} three objectives in space; drag to turn it.",
                in_space=True,
            )
        )
    return panels


def _groups(points: Points) -> list[tuple[str, list[Point], bool]]:
    """Traces: name, their points, whether drawn strong."""
    groups: list[tuple[str, list[Point], bool]] = []
    for variant in dict.fromkeys(point.variant for point in points.trials):
        of_variant = [point for point in points.trials if point.variant == variant]
        members = [point for point in of_variant if point.on_front]
        others = [point for point in of_variant if not point.on_front]
        groups += [(f"{variant}, on the front", members, True)] if members else []
        groups += [(variant, others, False)] if others else []
    return groups


def _bars(points: Sequence[Point], axis: int, colour: str) -> dict[str, Any]:
    below, above = zip(*[reach(point.values[axis]) for point in points], strict=True)
    return {
        "type": "data",
        "symmetric": False,
        "array": above,
        "arrayminus": below,
        "thickness": 1,
        "width": 0,
        "color": colour,
    }


def faded(colour: str, alpha: float) -> str:
    """A colour of six hex digits, let through."""
    red, green, blue = (int(colour[n : n + 2], 16) for n in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def _marker(group: Sequence[Point], strong: bool) -> dict[str, Any]:
    symbol, colour = group[0].symbol[0], group[0].colour
    return {
        "symbol": [symbol if point.feasible else f"{symbol}-open" for point in group],
        "size": 11 if strong else 8,
        "color": colour if strong else faded(colour, 0.55),
        "line": {"width": 1.5 if strong else 0, "color": colour},
    }


def _trace(
    group: Sequence[Point],
    x: int,
    y: int,
    name: str,
    strong: bool,
    *,
    legend: bool,
    named: bool = True,
) -> go.Scatter:
    faint = faded(group[0].colour, 0.55 if strong else 0.25)
    return go.Scatter(
        x=[point.values[x].value for point in group],
        y=[point.values[y].value for point in group],
        error_x=_bars(group, x, faint),
        error_y=_bars(group, y, faint),
        mode="markers+text" if named else "markers",
        text=[point.name for point in group] if named else None,
        textposition="top right",
        cliponaxis=False,
        textfont={"size": 11, "color": INK},
        marker=_marker(group, strong),
        name=name,
        legendgroup=name,
        showlegend=legend,
        hovertext=["<br>".join(point.hover) for point in group],
        hoverinfo="text",
    )


def _front_line(points: Points, x: int, y: int, *, legend: bool) -> go.Scatter | None:
    """The edge of what the front reaches, as steps; only right where there are two objectives."""
    corners = points.edge(x, y)
    if not corners:
        return None
    return go.Scatter(
        x=[corner[0] for corner in corners],
        y=[corner[1] for corner in corners],
        mode="lines",
        line={
            "color": "#9aa0a6",
            "width": 1.2,
            "dash": "dot",
            "shape": "vh" if points.maximize[x] else "hv",
        },
        name="edge of the front",
        hoverinfo="skip",
        showlegend=legend,
    )


def _pair(points: Points, x: int, y: int, *, alone: bool) -> go.Figure:
    """Two objectives; with a legend where it stands alone."""
    figure = go.Figure()
    line = _front_line(points, x, y, legend=alone)
    if line is not None:
        figure.add_trace(line)
    if points.base is not None:
        trace = _trace([points.base], x, y, "base, untuned", True, legend=alone)
        figure.add_trace(trace.update(textposition="bottom left"))
    for name, group, strong in _groups(points):
        named = strong or points.split is Split.TEST
        figure.add_trace(_trace(group, x, y, name, strong, legend=alone, named=named))
    figure.update_xaxes(title_text=points.axes[x], range=points.ranges[x])
    figure.update_yaxes(title_text=points.axes[y], range=points.ranges[y])
    styled(figure, height=520 if alone else 360)
    if not alone:
        figure.update_layout(margin={"l": 56, "r": 16, "t": 12, "b": 46}, showlegend=False)
    return figure


def _space(points: Points) -> go.Figure:
    figure = go.Figure()
    groups = _groups(points)
    if points.base is not None:
        groups.append(("base, untuned", [points.base], True))
    for name, group, strong in groups:
        marker = _marker(group, strong)
        style = group[0].style or 0
        symbols = ("circle", "diamond", "square", "cross", "x")  # all that plotly has in space
        symbol = symbols[style % len(symbols)]
        marker["symbol"] = [symbol if point.feasible else "circle-open" for point in group]
        marker["size"] = 6 if strong else 5
        marker["color"] = group[0].colour if strong else faded(group[0].colour, 0.6)
        marker["line"] = {"width": 0}  # a ring about a pale point would make it look hollow
        faint = faded(group[0].colour, 0.5)
        coordinates: dict[str, Any] = {}
        for axis, letter in enumerate("xyz"):
            coordinates[letter] = [point.values[axis].value for point in group]
            coordinates[f"error_{letter}"] = {**_bars(group, axis, faint), "thickness": 2}
        figure.add_trace(
            go.Scatter3d(
                **coordinates,
                mode="markers+text" if strong else "markers",
                text=[point.name for point in group] if strong else None,
                textfont={"size": 11, "color": INK},
                marker=marker,
                name=name,
                hovertext=["<br>".join(point.hover) for point in group],
                hoverinfo="text",
            )
        )
    looks = {"gridcolor": GRID, "backgroundcolor": "#fff", "zerolinecolor": GRID}
    scene: dict[str, Any] = {
        f"{letter}axis": {"title": {"text": title.partition(" (")[0]}, **looks}
        for letter, title in zip("xyz", points.axes, strict=False)
    }
    scene["camera"] = {"eye": {"x": 1.6, "y": 1.6, "z": 0.9}, "center": {"z": -0.12}}
    figure.update_layout(scene=scene)
    return styled(figure, height=600)


def _single(points: Points) -> go.Figure:
    figure = go.Figure()
    for name, group, strong in _groups(points):
        trace = _trace(group, 0, 0, name, strong, legend=True, named=strong)
        trace.update(x=[point.name for point in group], error_x=None)
        figure.add_trace(trace)
    if points.base is not None:
        figure.add_hline(y=points.base.values[0].value, line_dash="dot", annotation_text="base")
    figure.update_xaxes(title_text="trial", type="category")
    figure.update_yaxes(title_text=points.axes[0], range=points.ranges[0])
    return styled(figure, height=440)


def hypervolume_figure(record: SweepRecord, history: Sequence[float]) -> go.Figure:
    """Hypervolume after each trial."""
    figure = go.Figure(
        go.Scatter(
            x=[trial.number for trial in record.trials],
            y=list(history),
            mode="lines+markers",
            line={"shape": "hv", "color": "#0072B2", "width": 2},
            marker={"size": 6},
            hovertemplate="after trial %{x}: %{y:.4f}<extra></extra>",
        )
    )
    figure.update_xaxes(title_text="trial", dtick=1 if len(record.trials) <= 20 else None)
    figure.update_yaxes(title_text="hypervolume", rangemode="tozero")
    return styled(figure, height=300)


def importances_figure(
    record: SweepRecord, importances: Mapping[Key, Mapping[str, float]]
) -> go.Figure:
    """Share of each setting in what varies, one group of bars per objective."""
    objectives = score_names([objective.key for objective in record.objectives])
    names = setting_names(searched(record))
    settings = sorted(
        {setting for shares in importances.values() for setting in shares},
        key=lambda setting: sum(shares.get(setting, 0) for shares in importances.values()),
    )
    figure = go.Figure(
        [
            go.Bar(
                y=[names.get(setting, setting) for setting in settings],
                x=[shares.get(setting, 0.0) for setting in settings],
                name=objectives[objective],
                orientation="h",
                marker={"color": colour},
                hovertemplate="%{y}: %{x:.0%}<extra>%{fullData.name}</extra>",
            )
            for (objective, shares), colour in zip(
                importances.items(), ("#0072B2", "#E69F00", "#009E73", "#CC79A7"), strict=False
            )
        ]
    )
    figure.update_xaxes(title_text="importance", tickformat=".0%", rangemode="tozero")
    return styled(figure, height=130 + 30 * len(settings) * max(1, len(importances)))


def styled(figure: go.Figure, height: int) -> go.Figure:
    """The looks all figures share."""
    figure.update_layout(
        template="plotly_white",
        height=height,
        margin={"l": 60, "r": 40, "t": 30, "b": 50},
        font={"family": FONT, "size": 13, "color": INK},
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
        modebar={"orientation": "v"},
        hoverlabel={
            "bgcolor": "#fff",
            "bordercolor": "#d0d7de",
            "align": "left",
            "font": {"family": FONT, "size": 13, "color": INK},
        },
    )
    for update_axes in (figure.update_xaxes, figure.update_yaxes):
        update_axes(
            gridcolor=GRID, zeroline=False, linecolor=FRAME, ticks="outside", tickcolor=FRAME
        )
    return figure
