"""The contamination check of a run as a stage: made once for a corpus and a set of benchmarks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from harness.data.contamination import NEAR, find_overlaps, training_texts
from harness.records import JSON, Corpora
from harness.storage.files import write_rows
from harness.storage.store import Built, Stage, Store

STAGE_VERSION = 2
MATCHES = "matches.jsonl"
"""In the stage: every test item found in the training text, a line each, with that text."""


@dataclass(frozen=True, slots=True)
class BenchmarkItems:
    """The rows of one benchmark, and what identifies them.

    Attributes:
        key: ``suite/name``.
        sha256: Of its data file.
        items: The rows that are used.
    """

    key: str
    sha256: str
    items: Sequence[Mapping[str, JSON]]


def overlaps_stored(
    corpora_identity: Mapping[str, JSON],
    corpora: Callable[[], Corpora],
    benchmarks: Sequence[BenchmarkItems],
    store: Store,
    *,
    answers: bool = False,
) -> Built:
    """Looks for the items of all benchmarks in all training text, unless that was done before.

    The stage's facts are ``contamination/<suite>/<benchmark>/exact`` and ``.../near``: shares of
    the items.

    Args:
        corpora_identity: See ``harness.data.corpora``; of corpora that are None nothing is looked
            at, nor of the validation text: they are not trained on.
        corpora: Gives the corpora; called only when the search is to be made.
        benchmarks: What to look for.
        store: Where the result is kept.
        answers: Whether the answers of chats are looked at, too, as they are the task.
    """
    stage = Stage(
        "contamination",
        STAGE_VERSION,
        {
            "corpora": {k: v for k, v in corpora_identity.items() if k != "validation"},
            "benchmarks": {one.key: [one.sha256, len(one.items)] for one in benchmarks},
            "near": NEAR,
            # once there was no method whose task chats are
            **({"answers": True} if answers else {}),
        },
    )

    used = {name for name, one in corpora_identity.items() if one is not None}

    def make(folder: Path) -> Mapping[str, float]:
        texts = training_texts(corpora(), used, answers=answers)
        overlaps = find_overlaps(texts, {one.key: one.items for one in benchmarks})
        matches = (
            {"benchmark": key, **asdict(match)}
            for key, overlap in overlaps.items()
            for match in overlap.matches
        )
        write_rows(folder / MATCHES, matches)
        return {name: x for key, one in overlaps.items() for name, x in one.facts(key).items()}

    return store.build(stage, make)
