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
_KEYS = "prompts.txt"
"""The prompts of a list by their hash, where its answers are known by prompt."""


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
        by_prompt: Whether greedy answers are known by their prompt, too, whatever list they were
            generated for; batches then have other rows, which changes rounding.
    """

    def __init__(
        self,
        identity: Mapping[str, JSON],
        tokenizer: Callable[[], Tokenizer],
        load: Callable[[], Generator],
        store: Store,
        on_event: OnEvent | None = None,
        rule: ChunkRule | None = None,
        *,
        by_prompt: bool = False,
    ) -> None:
        self.identity = identity
        self._load_tokenizer = tokenizer
        self._load = load
        self._store = store
        self._on_event = on_event
        self._rule = rule or ChunkRule()
        self._by_prompt = by_prompt
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
            told = self.told(prompts, decoding)
            missing = [index for index in range(len(prompts)) if index not in told]
            if missing:
                made = self._generated(stage, [prompts[index] for index in missing], decoding)
                told |= zip(missing, made, strict=True)
            answers = [told[index] for index in range(len(prompts))]
            if self._by_prompt and decoding.temperature == 0:
                keys = [digest(list(prompt)) + "\n" for prompt in prompts]
                (folder / _KEYS).write_text("".join(keys), encoding="utf-8")
            lines = [GENERATION.dump_json(answer, exclude_defaults=True) for answer in answers]
            (folder / _FILE).write_bytes(b"".join(line + b"\n" for line in lines))
            tokens = sum(one.num_tokens for one in answers)
            return {"prompts": len(prompts), "tokens": tokens, "made": len(missing)}

        built = self._store.build(stage, make)
        self.built.append(built)
        self._tell(
            StageEvent("completions", "reused" if built.reused else "done", seconds=built.seconds)
        )
        return _answers_in(built.path)

    def has(self, prompts: Sequence[TokenIds], decoding: Decoding) -> bool:
        """Whether this very list was answered before."""
        return not prompts or self._store.has(
            completions_stage(self.identity, prompts, decoding, self._rule)
        )

    def told(self, prompts: Sequence[TokenIds], decoding: Decoding) -> dict[int, Generation]:
        """The answers that are known by prompt, by place in the list."""
        if not self._by_prompt or decoding.temperature > 0:
            return {}
        known = self._known(completions_stage(self.identity, prompts, decoding, self._rule))
        keys = [digest(list(prompt)) for prompt in prompts]
        return {index: known[key] for index, key in enumerate(keys) if key in known}

    def _generated(
        self, stage: Stage, prompts: Sequence[TokenIds], decoding: Decoding
    ) -> list[Generation]:
        generator = JournaledGenerator(
            self._generator,
            self._store.unfinished(stage),
            {"stage": stage.key},
            stage.name,
            self._on_event,
            self._rule,
        )
        return generator.generate(prompts, decoding)

    def _known(self, stage: Stage) -> dict[str, Generation]:
        """What this generator said, decoding so, in any list that tells its prompts; by prompt."""
        known: dict[str, Generation] = {}
        for folder, manifest in self._store.manifests(stage.name):
            same = all(
                manifest["identity"].get(name) == stage.identity[name]
                for name in ("generator", "decoding")
            )
            if same and (folder / _KEYS).is_file():
                keys = (folder / _KEYS).read_text(encoding="utf-8").splitlines()
                known |= zip(keys, _answers_in(folder), strict=True)
        return known

    @cached_property
    def _generator(self) -> Generator:
        return self._load()

    def _tell(self, event: StageEvent) -> None:
        if self._on_event is not None:
            self._on_event(event)


def _answers_in(folder: Path) -> list[Generation]:
    with (folder / _FILE).open("rb") as file:
        return [GENERATION.validate_json(line) for line in file]


class NotStored(Exception):
    """A text is asked for that was never written."""


class StoredOnly:
    """A generator's texts as far as they are stored; the model is never loaded.

    Raises:
        NotStored: By ``generate``, for a list that was not answered before.
    """

    def __init__(self, generator: StoredGenerator) -> None:
        self._stored = generator
        self.identity = generator.identity

    @property
    def tokenizer(self) -> Tokenizer:
        return self._stored.tokenizer

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        if not self._stored.has(prompts, decoding):
            raise NotStored
        return self._stored.generate(prompts, decoding)


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
