"""Reference-free MetricX: how bad a translation is given its source alone (quality estimation).

Juraska et al., WMT 2024: the hybrid checkpoints of MetricX-24 judge with and without a reference.
Range: 0..25; lower is better. For test sets without references. An empty answer is scored by the
model like any other text, and comes out high. The reference implementation is
google-research/metricx, ``metricx24.predict --qe``.
"""

from typing import ClassVar

from harness.metrics.metricx import MetricXRegression


class MetricXQe(MetricXRegression):
    """Mean segment score of a MetricX-24 model that sees no reference."""

    needs: ClassVar[tuple[str, ...]] = ("source",)
    references: ClassVar[str] = "none"


METRIC = MetricXQe
