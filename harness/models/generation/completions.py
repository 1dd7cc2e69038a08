"""Completions as a stage: what a model once said to a list of prompts is read, not said again."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from harness.models.generation.chunks import ChunkRule
from harness.models.generation.journaled import GENERATION, JournaledGenerator
from harness.protocols import Generator, OnEvent, Tokenizer
from harness.records import JSON, Decoding, Generation, StageEvent, TokenIds
from harness.settings.spec import digest
from harness.storage.store import Built, Stage, Store

STAGE_VERSION = 1
_FILE = "completions.jsonl"


class StoredGenerator:
    """A Generator that keeps what it generated; the model is loaded when something is missing.

    Answers are kept as they come: a list that was being answered by a process that died goes on
    behind the last chunk of it (see ``harness.models.generation.journaled``).

    Args:
        identity: Of the generator behind it (``generator_identity``), known without loading.
        tokenizer: Gives the model's tokenizer, which is quick to load; called once at most.
        load: Gives the generator itself, model and all; called once at most.
        store: Where completions are kept.
        on_event: Hears about the stage ``completions``.
        rule: How long the chunks of a long list are.
    """

    def __init__(
        self,
        identity: Mapping[str, JSON],
        tokenizer: Callable[[], Tokenizer],
        load: Callable[[], Generator],
        store: Store,
        on_event: OnEvent | None = None,
        rule: ChunkRule | None = None,
    ) -> None:
        self.identity = identity
        self._load_tokenizer = tokenizer
        self._load = load
        self._store = store
        self._on_event = on_event
        self._rule = rule or ChunkRule()
        self.built: list[Built] = []
        """The stages behind the calls of ``generate`` so far."""

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """That of the generator behind it, known without loading the model."""
        return self._load_tokenizer()

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        """One continuation per prompt, from the store where this list was answered before."""
        if not prompts:
            return []
        stage = completions_stage(self.identity, prompts, decoding, self._rule)

        def make(folder: Path) -> Mapping[str, float]:
            self._tell(StageEvent("completions", "started"))
            generator = JournaledGenerator(
                self._generator,
                self._store.unfinished(stage),
                {"stage": stage.key},
                stage.name,
                self._on_event,
                self._rule,
            )
            answers = generator.generate(prompts, decoding)
            lines = [GENERATION.dump_json(answer, exclude_defaults=True) for answer in answers]
            (folder / _FILE).write_bytes(b"".join(line + b"\n" for line in lines))
            return {"prompts": len(prompts), "tokens": sum(one.num_tokens for one in answers)}

        built = self._store.build(stage, make)
        self.built.append(built)
        self._tell(
            StageEvent("completions", "reused" if built.reused else "done", seconds=built.seconds)
        )
        with (built.path / _FILE).open("rb") as file:
            return [GENERATION.validate_json(line) for line in file]

    @cached_property
    def _generator(self) -> Generator:
        return self._load()

    def _tell(self, event: StageEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)


def completions_stage(
    identity: Mapping[str, JSON],
    prompts: Sequence[TokenIds],
    decoding: Decoding,
    rule: ChunkRule | None = None,
) -> Stage:
    """The stage of answering these prompts; a seed that nothing draws from is left out."""
    number = (rule or ChunkRule()).number(len(prompts), decoding, identity)
    sampled: dict[str, JSON] = {"seed": decoding.seed} if decoding.temperature > 0 else {}
    if sampled and len(set(prompts)) < len(prompts):
        sampled["copies"] = "drawn each"  # once they shared an answer
    return Stage(
        "completions",
        STAGE_VERSION,
        {
            "generator": dict(identity),
            "decoding": {
                "max_new_tokens": decoding.max_new_tokens,
                "temperature": decoding.temperature,
                **sampled,
            },
            "prompts": digest([list(prompt) for prompt in prompts]),
            **({"chunks": number} if number > 1 else {}),  # else as before there were any
        },
    )
