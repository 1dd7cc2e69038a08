"""What the methods forget, how, and at what cost: the report's section for ``--analysis``.

Each method is shown by the trial that stands for it. Curves are means over the seeds of the sweep,
their bands reach from the lowest to the highest seed; scores are of the validation benchmarks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.records import SweepRecord
from harness.report import analysis_tables, forgetting
from harness.report.curves import MethodCurves, method_curves
from harness.report.fallbacks import fallbacks_table
from harness.report.table import Table

_CAPTIONS = {
    "drift": "Over training, on general chats with the untuned model's own answers: divergence of "
    "the tuned from the untuned model per answer token (logarithmic), share of answers of "
    "which every token is still the likeliest, and Frobenius norm of all dW together.",
    "skills": "Which skills go first: share of answers that would still be given, by skill; skills "
    "that fall earlier are higher.",
    "gradients": "Cosine between the gradient of the translation loss and that of all other token "
    "losses together (RaDis, figure 4), and between those of token losses and penalty. "
    "Below 0 they pull against each other.",
    "layers": "Where the adapters changed the model: Frobenius norm of dW at the end of training, "
    "by type and depth of the layer, mean over the seeds.",
}


@dataclass(frozen=True)
class Analysis:
    """The section.

    Attributes:
        figures: Name, caption and plotly figure of each.
        tables: In order.
        note: What is missing and why, "" if nothing.
    """

    figures: Sequence[tuple[str, str, Any]]
    tables: Sequence[Table]
    note: str


def analyse(record: SweepRecord, home: Path) -> Analysis:
    """The analysis of a sweep, from its record and the curves in the store of a home folder."""
    methods = method_curves(record, home)
    skills = analysis_tables.skills_by_fall(methods)
    figures = {
        "drift": forgetting.drift_figure(methods),
        "skills": forgetting.skills_figure(methods, skills),
        "gradients": forgetting.gradients_figure(methods),
        "layers": forgetting.layers_figure(methods),
    }
    tables = [
        analysis_tables.ends_table(methods),
        analysis_tables.skills_table(methods, skills),
        analysis_tables.retention_table(record, methods),
        fallbacks_table(record, "analysis_fallbacks", [method.trial for method in methods]),
        analysis_tables.costs_table(record, methods, home),
    ]
    return Analysis(
        [(name, _CAPTIONS[name], figure) for name, figure in figures.items() if figure is not None],
        [table for table in tables if table is not None],
        _missing(methods),
    )


def _missing(methods: Sequence[MethodCurves]) -> str:
    if not methods:
        return "No trial has finished yet."
    unmeasured = [method.label for method in methods if not method.keys("train/drift/")]
    looked = [method.label for method in methods if method.keys(forgetting.COSINE)]
    sentences = []
    if unmeasured:
        sentences.append(
            f"No drift is known of {', '.join(unmeasured)}: measured where `train.drift_points` is "
            "set, of methods that train, as long as their adapters are in the store."
        )
    if not looked:
        sentences.append("No gradients were compared: `train.gradient_cosine_points` is 0.")
    return " ".join(sentences)
