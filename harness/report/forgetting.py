"""The figures of the analysis: drift, what is forgotten first, gradients, norms (plotly)."""

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from harness.report.curves import MethodCurves
from harness.report.figures import faded, styled
from harness.report.points import COLOURS

AGREEMENT = "train/drift/agreement"
DIVERGENCE = "train/drift/kl"
NORM = "train/drift/norm"
COSINE = "train/gradient_cosine"
COSINE_PENALTY = "train/gradient_cosine_penalty"

DASHES = ("solid", "dash", "dot", "dashdot")
_LEAST = 1e-6
"""Divergences below this are drawn here: a logarithm has no place for 0."""
_PER_LINE = 3
_ROW, _GAP = 21, 85
"""Pixels of a row of a heat map, and between one panel and the next below it."""
_GOING = [[0, "#a4371e"], [0.5, "#f0b37e"], [0.9, "#f3efe6"], [1, "#2f6f9f"]]
"""Blue only where a skill counts as kept."""


def drift_figure(methods: Sequence[MethodCurves]) -> Any | None:
    """Divergence, agreement and the norm of dW over training; None where none was measured."""
    titles = {
        DIVERGENCE: "divergence, nats per token",
        AGREEMENT: "answers it would still give",
        NORM: "norm of dW",
    }
    shown = _measured(methods, titles)
    if not shown:
        return None
    figure = make_subplots(rows=1, cols=len(shown), horizontal_spacing=0.09)
    for column, key in enumerate(shown, start=1):
        _lines(figure, methods, key, column)
        axis: dict[str, Any] = {"rangemode": "tozero"}
        if key == DIVERGENCE:
            axis = {"type": "log", "exponentformat": "power", "dtick": 1}
        elif key == AGREEMENT:
            lowest = min(min(values) for method in methods for values in method.band(key).values())
            axis = {"range": [max(0.0, lowest - 0.06), 1.03], "tickformat": ".0%"}
        figure.update_yaxes(title_text=titles[key], **axis, row=1, col=column)
    return _lines_styled(figure, height=440)


def gradients_figure(methods: Sequence[MethodCurves]) -> Any | None:
    """Cosines between the gradients of the task and of what is to keep the rest; None without."""
    titles = {
        COSINE: "translation and what goes with it",
        COSINE_PENALTY: "token losses and penalty",
    }
    shown = _measured(methods, titles)
    if not shown:
        return None
    figure = make_subplots(
        rows=1,
        cols=len(shown),
        horizontal_spacing=0.09,
        subplot_titles=[titles[key] for key in shown],
    )
    for column, key in enumerate(shown, start=1):
        _lines(figure, methods, key, column)
        figure.add_hline(y=0, line_color="#9aa0a6", line_width=1, row=1, col=column)
    figure.update_yaxes(title_text="cosine of the gradients", row=1, col=1)
    return _lines_styled(figure, height=420)


def _measured(methods: Sequence[MethodCurves], keys: Iterable[str]) -> list[str]:
    """Those of the keys that a method has a curve of."""
    return [key for key in keys if any(method.band(key) for method in methods)]


def skills_figure(methods: Sequence[MethodCurves], skills: Sequence[str]) -> Any | None:
    """Agreement by skill (a row each) over training, a panel per method; None without."""
    grids = {
        method.label: {skill: method.band(f"{AGREEMENT}/{skill}") for skill in skills}
        for method in methods
    }
    grids = {label: bands for label, bands in grids.items() if any(bands.values())}
    if not grids:
        return None
    figure, panels = _panels(list(grids), len(skills))
    for label, panel in panels.items():
        bands = grids[label]
        steps = sorted({step for band in bands.values() for step in band})
        figure.add_trace(
            go.Heatmap(
                # As text: every measured step is as wide as the next.
                x=[str(step) for step in steps],
                y=list(bands),
                z=[
                    [fmean(band[s]) if s in band else None for s in steps]
                    for band in bands.values()
                ],
                coloraxis="coloraxis",
                hovertemplate="%{y}, step %{x}: %{z:.0%}<extra></extra>",
                xgap=1,
                ygap=1,
            ),
            **panel,
        )
        figure.update_xaxes(title_text="step", type="category", nticks=8, **panel)
    colours = {"colorscale": _GOING, "cmin": 0, "cmax": 1}
    bar = {"title": "still<br>given", "tickformat": ".0%"}
    return _heat_styled(figure, len(skills), len(grids), colours, bar)


def layers_figure(methods: Sequence[MethodCurves]) -> Any | None:
    """Norm of dW at the end, by layer type (a row each) and depth, a panel per method."""
    grids: dict[str, dict[str, dict[int, float]]] = {}
    for method in methods:
        for key in method.keys(f"{NORM}/"):
            kind, _, depth = key.removeprefix(f"{NORM}/").rpartition("/")
            band = method.band(key)
            if kind and depth.isdigit() and band:
                row = grids.setdefault(method.label, {}).setdefault(kind, {})
                row[int(depth)] = fmean(band[max(band)])
    if not grids:
        return None
    order = list(dict.fromkeys(kind for rows in grids.values() for kind in rows))
    top = max(value for rows in grids.values() for row in rows.values() for value in row.values())
    figure, panels = _panels(list(grids), len(order))
    for label, panel in panels.items():
        rows = grids[label]
        depths = sorted({depth for row in rows.values() for depth in row})
        kinds = [kind for kind in order if kind in rows]
        figure.add_trace(
            go.Heatmap(
                x=depths,
                y=kinds,
                z=[[rows[kind].get(depth) for depth in depths] for kind in kinds],
                coloraxis="coloraxis",
                hovertemplate="%{y}, layer %{x}: %{z:.3g}<extra></extra>",
            ),
            **panel,
        )
        figure.update_xaxes(title_text="layer", dtick=max(1, len(depths) // 8), **panel)
    colours = {"colorscale": "Blues", "cmin": 0, "cmax": top}
    return _heat_styled(figure, len(order), len(grids), colours, {"title": "norm<br>of dW"})


def _panels(labels: Sequence[str], num_rows: int) -> tuple[Any, dict[str, dict[str, int]]]:
    """A panel of so many rows per label; the figure, and where each panel is."""
    columns = min(_PER_LINE, len(labels))
    lines = -(-len(labels) // columns)
    figure = make_subplots(
        rows=lines,
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.03,
        vertical_spacing=_GAP / _inner_height(lines, num_rows) if lines > 1 else 0,
        subplot_titles=list(labels),
    )
    panels = {
        label: {"row": number // columns + 1, "col": number % columns + 1}
        for number, label in enumerate(labels)
    }
    return figure, panels


def _inner_height(lines: int, num_rows: int) -> int:
    """Pixels from the top of the first panel to the bottom of the last."""
    return lines * num_rows * _ROW + (lines - 1) * _GAP


def _heat_styled(
    figure: Any,
    num_rows: int,
    num_panels: int,
    colours: Mapping[str, Any],
    bar: Mapping[str, Any],
) -> Any:
    top, bottom = 50, 60
    lines = -(-num_panels // _PER_LINE)
    styled(figure, height=_inner_height(lines, num_rows) + top + bottom)
    colorbar = {**bar, "lenmode": "pixels", "len": 200, "yanchor": "top", "y": 1}
    margin = {"l": 110, "r": 120, "t": top, "b": bottom}
    figure.update_layout(coloraxis={**colours, "colorbar": colorbar}, margin=margin)
    figure.update_xaxes(showgrid=False)
    figure.update_yaxes(showgrid=False, dtick=1, autorange="reversed")
    return figure


def _lines_styled(figure: Any, height: int) -> Any:
    styled(figure, height)
    figure.update_xaxes(title_text="step")
    # Many methods take several lines, which above the panels would lie over their titles.
    figure.update_layout(legend={"yanchor": "top", "y": -0.17})
    return figure


def _lines(figure: Any, methods: Sequence[MethodCurves], key: str, column: int) -> None:
    """A line per method, its band behind it; a method has one entry in the legend."""
    panel = {"row": 1, "col": column}
    named = {trace.name for trace in figure.data}
    least = _LEAST if key == DIVERGENCE else -math.inf
    for method in methods:
        band = method.band(key)
        if not band:
            continue
        colour = COLOURS[method.style % len(COLOURS)]
        dash = DASHES[method.style // len(COLOURS) % len(DASHES)]
        means, lows, highs = (
            [max(of_runs(values), least) for values in band.values()]
            for of_runs in (fmean, min, max)
        )
        if len(method.runs) > 1:
            figure.add_trace(
                go.Scatter(
                    x=[*band, *reversed(band)],
                    y=[*highs, *reversed(lows)],
                    mode="lines",
                    fill="toself",
                    fillcolor=faded(colour, 0.15),
                    line={"width": 0},
                    hoverinfo="skip",
                    legendgroup=method.label,
                    showlegend=False,
                ),
                **panel,
            )
        figure.add_trace(
            go.Scatter(
                x=list(band),
                y=means,
                mode="lines+markers",
                line={"color": colour, "width": 2, "dash": dash},
                marker={"size": 5},
                name=method.label,
                legendgroup=method.label,
                showlegend=method.label not in named,
                hovertemplate="step %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
            ),
            **panel,
        )
