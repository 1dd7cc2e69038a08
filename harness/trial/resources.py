"""What the stages of a run draw on: model, corpora, generators; each loaded when first needed."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from harness.data.corpora import read_corpora, rows_left_out
from harness.data.prompts import TranslationPrompt
from harness.data.spec import DataSpec
from harness.models.chat_model import ChatModel
from harness.models.generation.completions import StoredGenerator, StoredOnly
from harness.models.generation.served import ServerGenerator
from harness.models.generation.spec import GenerationSpec
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.memory import free_memory
from harness.models.spec import ModelSpec
from harness.models.teachers import ServedSpec, Teacher, teacher
from harness.models.tokenizer import ChatTokenizer, load_tokenizer
from harness.protocols import Generator, Sources, Variant
from harness.records import JSON, Corpora, Pair
from harness.storage.store import Store
from harness.trial.config import TrialConfig
from harness.trial.engine import Engine
from harness.trial.timeline import Timeline


class Resources:
    """The model and the data of a run, shared by all trainings it takes.

    Args:
        config: Names the chat model, the data, and who writes the training text.
        store: Where stages are kept.
        timeline: Is told what happens.
    """

    def __init__(self, config: TrialConfig, store: Store, timeline: Timeline) -> None:
        self._model, self._data = config.model, config.data
        self.store, self.timeline = store, timeline
        self.engine = self.new_engine(config.generation)
        self.model_identity = model_identity(config.model)

    @property
    def data(self) -> DataSpec:
        """The data, which a run that trains has."""
        assert self._data is not None
        return self._data

    @cached_property
    def tokenizer(self) -> ChatTokenizer:
        """The tokenizer of the base model."""
        return load_tokenizer(self._model)

    @cached_property
    def chat_model(self) -> ChatModel:
        return load_chat_model(self._model)

    def new_engine(self, settings: GenerationSpec) -> Engine:
        """An engine of this run; models merged for it lie in the store meanwhile."""
        return Engine(settings, self.store.root / "merged")

    def generator_of(
        self,
        model: ModelSpec,
        identity: Mapping[str, JSON],
        load: Callable[[], ChatModel],
        *,
        stage: str,
        engine: Engine | None = None,
        adapter: Path | None = None,
    ) -> Generator:
        """A model as a source of text; an engine of its own gets the base model's memory.

        Args:
            model: The model.
            identity: What it is.
            load: Gives the model itself.
            stage: For which it generates, in what is told of its progress.
            engine: Who generates, if not who writes the training text.
            adapter: A PEFT folder to put on it.
        """
        engine = engine or self.engine
        if engine.is_external:
            self.__dict__.pop("chat_model", None)  # loaded anew when it is next needed
            free_memory()
        return engine.generator(model, identity, load, adapter, self.timeline.progress(stage))

    @cached_property
    def corpora(self) -> Corpora:
        """The corpora, read and checked."""
        with self.timeline.stage("corpus"):
            return read_corpora(self.data, self.store)

    def rows_left_out(self) -> dict[str, float]:
        """How many rows the corpora lost to their checks, as facts of the run."""
        return {} if self._data is None else rows_left_out(self._data, self.store)

    @cached_property
    def generator(self) -> StoredGenerator:
        """The base model as a source of text; the model itself only where text is missing."""
        return self._stored(self._model, lambda: self.chat_model, self.model_identity)

    @cached_property
    def _by_prompt(self) -> StoredGenerator:
        return self._stored(
            self._model, lambda: self.chat_model, self.model_identity, by_prompt=True
        )

    def teachers(self, variant: Variant, *, by_prompt: bool = False) -> dict[str, StoredGenerator]:
        """The other models a variant draws on, by name."""
        specs = {name: teacher(settings) for name, settings in variant.teachers.items()}
        return {name: self._teacher(spec, by_prompt=by_prompt) for name, spec in specs.items()}

    def sources(
        self,
        variant: Variant,
        seed: int,
        generator: Generator | None = None,
        pairs: tuple[Pair, ...] | None = None,
    ) -> Sources:
        """What a variant draws its text from.

        Args:
            variant: The variant.
            seed: Of every random choice.
            generator: In place of the base model (the model in training).
            pairs: In place of all pairs.
        """
        corpora = self.corpora if pairs is None else replace(self.corpora, parallel=pairs)
        return Sources(
            corpora,
            generator or self.generator,
            TranslationPrompt(self.data),
            seed,
            self.teachers(variant),
        )

    def sources_of(self, variant: Variant, seed: int, pairs: tuple[Pair, ...]) -> Sources:
        """What a variant draws text for these pairs from: each text is known by its prompt."""
        return replace(
            self.sources(variant, seed, self._by_prompt, pairs),
            teachers=self.teachers(variant, by_prompt=True),
        )

    def written_sources(self, variant: Variant, seed: int) -> Sources:
        """As ``sources``, but nothing is written: what is not stored raises ``NotStored``."""
        sources = self.sources(variant, seed)
        teachers = self.teachers(variant)
        return replace(
            sources,
            base=StoredOnly(self.generator),
            teachers={name: StoredOnly(one) for name, one in teachers.items()},
        )

    def _teacher(self, spec: Teacher, *, by_prompt: bool = False) -> StoredGenerator:
        if not isinstance(spec, ServedSpec):
            identity = model_identity(spec)
            return self._stored(spec, lambda: load_chat_model(spec), identity, by_prompt=by_prompt)
        served = ServerGenerator(spec, self.timeline.progress("completions"))
        return StoredGenerator(
            served.identity,
            lambda: served.tokenizer,
            lambda: served,
            self.store,
            self.timeline.on_event,
            by_prompt=by_prompt,
        )

    def _stored(
        self,
        spec: ModelSpec,
        load: Callable[[], ChatModel],
        identity: Mapping[str, JSON],
        *,
        by_prompt: bool = False,
    ) -> StoredGenerator:
        return StoredGenerator(
            self.engine.identity(spec, identity),
            lambda: load_tokenizer(spec),
            lambda: self.generator_of(spec, identity, load, stage="completions"),
            self.store,
            self.timeline.on_event,
            by_prompt=by_prompt,
        )
