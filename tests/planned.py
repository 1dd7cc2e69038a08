"""Which stages a configuration leads to, by key, without a model loaded or a token generated."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.benchmarks.read import select
from harness.data.examples import save_examples
from harness.records import JSON, ExampleSet
from harness.storage.store import Built, Stage, Store
from harness.trial.config import TrialConfig
from harness.trial.run import _predict
from harness.trial.stages import GENERATED, Tuning
from harness.trial.timeline import Timeline


class PlannedStore(Store):
    """A store that takes every stage for made, and keeps the stages it was asked for.

    A stage's key depends on its identity alone, and an identity on the keys of the stages before
    it, so a run through this store has the keys of a real one.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.stages: list[Stage] = []

    def build(self, stage: Stage, make: Callable[[Path], Mapping[str, JSON] | None]) -> Built:
        folder = self.path(stage)
        folder.mkdir(parents=True, exist_ok=True)
        if stage.name == "examples":
            save_examples(folder, ExampleSet(()))
        (folder / "curves.jsonl").touch()
        self.stages.append(stage)
        facts = {"train/tokens": 0, "train/seconds": 0, GENERATED: 0}
        return Built(folder, stage.key, False, 0.0, facts)

    def build_together(
        self,
        stages: Sequence[Stage],
        make: Callable[[Mapping[str, Path]], Sequence[Mapping[str, JSON] | None]],
    ) -> list[Built]:
        return [self.build(stage, lambda folder: None) for stage in stages]


def stage_keys(config: TrialConfig, home: Path) -> dict[str, str]:
    """The keys of examples, adapters and predictions, by the names a result gives them."""
    store = PlannedStore(home)
    tuning = Tuning(config, store, Timeline(lambda event: None))
    adapter = tuning.adapter() if config.variant.trains or config.variant.parts else None
    predictions = _predict(tuning, select(config.eval).benchmarks, adapter)
    return tuning.stages | {f"predictions/{key}": built.key for key, built in predictions.items()}
