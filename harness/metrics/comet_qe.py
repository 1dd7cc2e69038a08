"""Reference-free COMET: quality of a translation given its source alone (quality estimation).

Rei et al., WMT 2022 (CometKiwi, arXiv 2209.06243), as unbabel-comet computes it. Range: what the
checkpoint was trained on, for most 0..1; higher is better. For test sets without references, and
beside ``comet`` where a reference is one good translation of many. An empty answer is scored by the
model like any other text, and comes out low. XCOMET checkpoints are read without the reference
here. The reference implementation is unbabel-comet itself, to 1e-5.
"""

from typing import ClassVar

from harness.metrics.comet import Comet
from harness.settings.spec import LocalPath


class CometQe(Comet):
    """Mean segment score of a COMET model that needs no reference."""

    needs: ClassVar[tuple[str, ...]] = ("source",)
    references: ClassVar[str] = "none"

    model: LocalPath = "Unbabel/wmt22-cometkiwi-da"
    """A checkpoint's folder or `.ckpt` file, or a hub id (the default is 2.3 GB and asks for its
    licence to be accepted). Checkpoints are pickles: load only those you trust."""


METRIC = CometQe
