"""From a configuration to a trained adapter: the stages corpus, completions, examples, adapter."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from harness import plugins
from harness.config import TrialConfig
from harness.data.corpora import corpora_identity, read_corpora
from harness.data.examples import load_examples, save_examples
from harness.data.overlaps import BenchmarkItems, overlaps_stored
from harness.data.prompts import TranslationPrompt
from harness.data.rows import TokenRows, tokenise
from harness.data.segments import pair_prompt
from harness.data.spec import DataSpec
from harness.models.chat_model import ChatModel
from harness.models.completions import StoredGenerator
from harness.models.generate import HuggingFaceGenerator, generator_identity
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.lora import adapter_facts, attach, detach, save_adapter
from harness.models.tokenizer import load_tokenizer
from harness.protocols import Generator, Penalty, Sources
from harness.records import (
    JSON,
    Corpora,
    Event,
    Example,
    ExampleSet,
    Role,
    Segment,
    StepEvent,
    TokenRow,
)
from harness.store import Built, Stage, Store
from harness.timeline import Timeline
from harness.training.loop import fit

EXAMPLES_VERSION = 1
ADAPTER_VERSION = 1
ADAPTER = "adapter"
"""In an adapter stage: the folder PEFT reads."""
CURVES = "curves.jsonl"
"""In an adapter stage: the training curves, a step event a line."""


class Tuning:
    """Makes the adapter of one run, or finds it made.

    Args:
        config: What to run.
        store: Where stages are kept.
        timeline: Is told what happens; the curves of an adapter found made are told again.
    """

    def __init__(self, config: TrialConfig, store: Store, timeline: Timeline) -> None:
        self.config, self.store, self.timeline = config, store, timeline
        self.model_identity = model_identity(config.model)
        self.stages: dict[str, str] = {}
        self.facts: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def adapter(self) -> Built:
        """The ``adapter`` stage; text is only made and the model only loaded where it is missing.

        Raises:
            ConfigError, DataError: Something the user can mend.
            TrainingError: Training cannot go on.
        """
        examples = self._examples()
        made = load_examples(examples.path)
        stage = self._adapter_stage(examples)
        with self.timeline.stage("adapter", reused=self.store.find(stage) is not None):
            built = self.store.build(stage, lambda folder: self._train(folder, made.examples))
        if built.reused:
            for line in (built.path / CURVES).read_text(encoding="utf-8").splitlines():
                self.timeline.on_event(StepEvent(**json.loads(line)))
        self.stages |= {"examples": examples.key, "adapter": built.key}
        self.seconds |= {"examples": examples.seconds, "adapter": built.seconds}
        self.facts |= {f"data/{name}": value for name, value in made.facts.items()}
        self.facts |= {name: float(value) for name, value in built.facts.items()}
        return built

    def contamination(self, benchmarks: Sequence[BenchmarkItems]) -> Built:
        """The ``contamination`` stage: how much of the benchmarks is in the training text."""
        with self.timeline.stage("contamination"):
            built = overlaps_stored(
                corpora_identity(self._data), lambda: self._corpora, benchmarks, self.store
            )
        self.facts |= {name: float(share) for name, share in built.facts.items()}
        self.stages["contamination"] = built.key
        return built

    @cached_property
    def chat_model(self) -> ChatModel:
        """The base model, loaded when something first needs it."""
        return load_chat_model(self.config.model)

    @property
    def _data(self) -> DataSpec:
        assert self.config.data is not None  # a configuration that trains has data
        return self.config.data

    @cached_property
    def _generator(self) -> StoredGenerator:
        batch_size = self.config.eval.batch_size
        return StoredGenerator(
            generator_identity(self.model_identity, batch_size),
            lambda: load_tokenizer(self.config.model),
            lambda: HuggingFaceGenerator(
                self.chat_model, batch_size, self.timeline.progress("completions")
            ),
            self.store,
            self.timeline.on_event,
        )

    @cached_property
    def _corpora(self) -> Corpora:
        with self.timeline.stage("corpus"):
            return read_corpora(self._data, self.store)

    def _sources(self, generator: Generator, seed: int) -> Sources:
        prompt = TranslationPrompt(self._data)
        return Sources(self._corpora, generator, prompt, seed, teachers={})

    def _examples(self) -> Built:
        config = self.config
        stage = Stage(
            "examples",
            EXAMPLES_VERSION,
            {
                "corpora": corpora_identity(self._data),
                "prompt": {"template": self._data.prompt, "system": self._data.system},
                "variant": config.variant.identity(),
                "generator": self._generator.identity,
                "seed": config.seed,
            },
        )

        def make(folder: Path) -> Mapping[str, JSON]:
            made: ExampleSet = config.variant.examples(self._sources(self._generator, config.seed))
            save_examples(folder, made)
            return dict(made.facts)

        with self.timeline.stage("examples", reused=self.store.find(stage) is not None):
            return self.store.build(stage, make)

    def _adapter_stage(self, examples: Built) -> Stage:
        config = self.config
        return Stage(
            "adapter",
            ADAPTER_VERSION,
            {
                "examples": examples.key,
                "weights": {role.value: w for role, w in config.variant.weights.items()},
                "penalty": config.variant.penalty,
                "renew_every": config.variant.renew_every,
                "lora": config.lora.plain(),
                "train": config.train.plain(),
                "model": self.model_identity,
                "seed": config.seed,
            },
        )

    def _train(self, folder: Path, examples: Sequence[Example]) -> Mapping[str, JSON]:
        config = self.config
        tuned = attach(self.chat_model, config.lora, config.seed)
        rows = self._rows(examples)
        try:
            with (folder / CURVES).open("w", encoding="utf-8") as curves:

                def on_step(event: Event) -> None:
                    if isinstance(event, StepEvent):
                        record = {"step": event.step, "num_steps": event.num_steps}
                        curves.write(json.dumps(record | {"metrics": dict(event.metrics)}) + "\n")
                        self.timeline.progress("adapter")(event.step / event.num_steps)
                    self.timeline.on_event(event)

                report = fit(
                    tuned.model,
                    rows.rows,
                    config.train,
                    weights=config.variant.weights,
                    seed=config.seed,
                    pad_id=tuned.tokenizer.pad_id,
                    validation=self._validation_rows(),
                    penalty=self._penalty(tuned),
                    renew=self._renewal(tuned),
                    renew_every=config.variant.renew_every,
                    on_event=on_step,
                )
            save_adapter(tuned, folder / ADAPTER)
            facts = adapter_facts(tuned)
        finally:
            detach(tuned)
        return {
            **report.facts(),
            **{f"train/{name}": value for name, value in facts.items()},
            "data/too_long": len(rows.too_long),
        }

    def _rows(self, examples: Sequence[Example]) -> TokenRows:
        tokenizer = self.chat_model.tokenizer
        return tokenise(examples, tokenizer.encode, tokenizer.end_id, self.config.train.max_length)

    def _validation_rows(self) -> Sequence[TokenRow]:
        """Held-out pairs as plain translations: the same validation loss for every variant."""
        sources = self._sources(self._generator, self.config.seed)
        examples = [
            Example(
                pair.id,
                (
                    pair_prompt(sources, pair),
                    Segment(Role.TRANSLATION, pair.target, ends_turn=True),
                ),
            )
            for pair in self._corpora.validation[: self.config.train.validation_limit]
        ]
        return self._rows(examples).rows

    def _penalty(self, tuned: ChatModel) -> Penalty | None:
        if self.config.variant.penalty is None:
            return None
        settings = dict(self.config.variant.penalty)
        kind = plugins.load("penalty", settings.pop("kind"))
        penalty: Penalty = kind.model_validate(settings).build(tuned.model)
        return penalty

    def _renewal(self, tuned: ChatModel) -> Callable[[int], Sequence[TokenRow]] | None:
        """New rows from the model in training, for variants that ask for them."""
        if self.config.variant.renew_every is None:
            return None
        generator = HuggingFaceGenerator(tuned, self.config.eval.batch_size)

        def renew(step: int) -> Sequence[TokenRow]:
            sources = self._sources(generator, self.config.seed + step)
            return self._rows(self.config.variant.examples(sources).examples).rows

        return renew
