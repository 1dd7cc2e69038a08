"""Which stages a configuration leads to, by key, without a model loaded or a token generated."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.benchmarks.read import select
from harness.data.examples import save_examples
from harness.errors import EvaluationError
from harness.models.generation.completions import completions_stage
from harness.protocols import Services
from harness.records import JSON, Decoding, ExampleSet, Prediction
from harness.storage.predictions import write_predictions
from harness.storage.store import Built, Stage, Store
from harness.trial.config import TrialConfig
from harness.trial.run import _predict, _score
from harness.trial.stages import GENERATED, Tuning
from harness.trial.timeline import Timeline
from harness.variants.shared.method import parts_of

ANSWERED = Prediction("1", "the dog", "der Hund", "der Hund", "the dog", ("der Hund",), "der Hund")

COST = {"training_tokens": 2, "training_seconds": 3, "completion_tokens": 5}
"""Of each training, made or not."""


class PlannedStore(Store):
    """A store that takes every stage for made, and keeps the stages it was asked for.

    A stage's key depends on its identity alone, and an identity on the keys of the stages before
    it, so a run through this store has the keys of a real one.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.stages: list[Stage] = []
        self.made = root / "made"
        """The folder of every stage, with what is read of one."""
        if not self.made.exists():
            self.made.mkdir(parents=True)
            save_examples(self.made, ExampleSet(()))
            write_predictions(self.made / "predictions.jsonl", [ANSWERED])
            (self.made / "curves.jsonl").touch()

    def has(self, stage: Stage) -> bool:
        return "reached" not in stage.identity

    def find(self, stage: Stage) -> Built | None:
        self.stages.append(stage)
        return None

    def build(self, stage: Stage, make: Callable[[Path], Mapping[str, JSON] | None]) -> Built:
        self.stages.append(stage)
        if stage.name == "scores":
            raise EvaluationError("planned, not scored")
        if stage.name == "corpus":  # read by what draws from it to say how a model is asked
            folder = self.made / stage.key
            if not folder.exists():
                folder.mkdir()
                make(folder)
            return Built(folder, stage.key, False, 0.0, {})
        facts = zip(("train/tokens", "train/seconds", GENERATED), COST.values(), strict=True)
        return Built(self.made, stage.key, False, 0.0, dict(facts))

    def build_together(
        self,
        stages: Sequence[Stage],
        make: Callable[[Mapping[str, Path]], Sequence[Mapping[str, JSON] | None]],
    ) -> list[Built]:
        return [self.build(stage, lambda folder: None) for stage in stages]


def stage_keys(config: TrialConfig, home: Path) -> dict[str, str]:
    """The keys of examples, adapters and predictions, by the names a result gives them."""
    return _planned(config, PlannedStore(home), scored=False)


def planned_facts(config: TrialConfig, home: Path) -> dict[str, float]:
    """What a run says of its trainings, had each cost as much as every other."""
    tuning = Tuning(config, PlannedStore(home), Timeline(lambda event: None))
    tuning.adapter()
    return tuning.facts


def all_stage_keys(config: TrialConfig, home: Path) -> dict[str, str]:
    """Also those of the corpus, of the scores and, as it has no prompts yet, of a completion."""
    store = PlannedStore(home)
    keys = _planned(config, store, scored=True)
    benchmarks = {key: name.removeprefix("predictions/") for name, key in keys.items()}
    for stage in store.stages:
        if stage.name == "corpus":
            keys["corpus"] = stage.key
        elif stage.name == "examples":
            generator = stage.identity["generator"]
            keys["completions"] = completions_stage(generator, [(1,)], Decoding(1)).key
        elif stage.name == "scores":
            benchmark, metric = benchmarks[stage.identity["predictions"]], stage.identity["metric"]
            keys[f"scores/{benchmark}/{metric}"] = stage.key
    return keys


def _planned(config: TrialConfig, store: PlannedStore, *, scored: bool) -> dict[str, str]:
    tuning = Tuning(config, store, Timeline(lambda event: None))
    adapter = tuning.adapter() if config.variant.trains or parts_of(config.variant) else None
    benchmarks = select(config.eval).benchmarks
    predictions = _predict(tuning, benchmarks, adapter)
    if scored:
        _score(tuning, benchmarks, predictions, Services())
    return tuning.stages | {f"predictions/{key}": built.key for key, built in predictions.items()}
