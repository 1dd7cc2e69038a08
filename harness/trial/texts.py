"""What text the models would have to write for a training, counted without loading them."""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import HarnessError
from harness.models.generation.completions import StoredGenerator
from harness.protocols import Tokenizer
from harness.records import Decoding, Generation, Pair, TokenIds
from harness.settings.spec import digest
from harness.storage.store import Built, Stage, Store
from harness.trial.config import TrialConfig
from harness.trial.reach import examples_of
from harness.trial.resources import Resources
from harness.trial.timeline import Timeline
from harness.variants.shared.method import parts_of


@dataclass(frozen=True, slots=True)
class Texts:
    """Texts that are not written yet.

    Attributes:
        texts: How many.
        tokens: They have, at most: as many as each may have, or as long as this home's texts by the
            same models are on average.
        at_most: Whether ``tokens`` is the first of these for some.
        seconds: It would take to write them as fast as those were; None where none were.
    """

    texts: int
    tokens: int
    at_most: bool
    seconds: float | None


class _Aside(Store):
    """A store in which nothing is kept: what is made is made elsewhere."""

    def __init__(self, root: Path, aside: Path) -> None:
        super().__init__(root)
        self._aside = Store(aside)

    def build(self, stage: Stage, make: Callable[[Path], Mapping[str, float] | None]) -> Built:
        return self.find(stage) or self._aside.build(stage, make)


class _Counted:
    """A generator that says nothing and notes what it was asked."""

    def __init__(self, stored: StoredGenerator, missing: dict[str, tuple[str, int]]) -> None:
        self._stored, self._missing = stored, missing
        self.identity = stored.identity

    @property
    def tokenizer(self) -> Tokenizer:
        return self._stored.tokenizer

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        if self._stored.has(prompts, decoding):
            return self._stored.generate(prompts, decoding)
        told = self._stored.told(prompts, decoding)
        who = digest(dict(self.identity))
        for index, prompt in enumerate(prompts):
            if index not in told:
                copy = index if decoding.temperature > 0 else 0
                key = digest([who, decoding.max_new_tokens, decoding.temperature, copy, *prompt])
                self._missing[key] = who, decoding.max_new_tokens
        return [told.get(index, _SILENCE) for index in range(len(prompts))]


_SILENCE = Generation((), "", True)


def texts_to_write(configs: Sequence[TrialConfig], home: Path) -> Texts:
    """The texts that these trainings would have models write, each counted once.

    Where what is asked depends on what was said before (``ssr``), the second is not counted.

    Raises:
        ConfigError, DataError: Something the user can mend.
    """
    missing: dict[str, tuple[str, int]] = {}
    seen: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        store = _Aside(home / "store", Path(name))
        for config in configs:
            for training in _trainings(config):
                resources = Resources(training, store, Timeline(lambda event: None))
                stage, pairs = examples_of(training, resources)
                if stage.key not in seen and not store.has(stage):
                    seen.add(stage.key)
                    _ask(training, resources, pairs, missing)
        return _estimated(missing, store)


def _ask(
    training: TrialConfig,
    resources: Resources,
    pairs: tuple[Pair, ...] | None,
    missing: dict[str, tuple[str, int]],
) -> None:
    """Notes what a training asks for."""
    variant, seed = training.variant, training.seed
    sources = (
        resources.sources(variant, seed)
        if pairs is None
        else resources.sources_of(variant, seed, pairs)
    )
    counted = {
        name: _Counted(generator, missing)
        for name, generator in {**sources.teachers, "": sources.base}.items()
        if isinstance(generator, StoredGenerator)
    }
    base = counted.pop("")
    # of silence some methods make nothing; what they asked is noted
    with contextlib.suppress(HarnessError, ValueError, IndexError, ZeroDivisionError):
        variant.examples(replace(sources, base=base, teachers=counted))


def _trainings(config: TrialConfig) -> Iterator[TrialConfig]:
    for part in parts_of(config.variant).values():
        if not isinstance(part, Path):
            yield from _trainings(config.replace(variant=part))
    if config.variant.trains:
        yield from config.trainings()


def _estimated(missing: Mapping[str, tuple[str, int]], store: Store) -> Texts:
    """What is missing, as long and as fast as earlier texts of the same models."""
    spent: dict[str, list[float]] = {}
    for _, manifest in store.manifests("completions"):
        facts = manifest["facts"]
        written = float(facts.get("made", facts["prompts"]))
        if written and facts["prompts"]:
            who = digest(manifest["identity"]["generator"])
            tokens = float(facts["tokens"]) * written / float(facts["prompts"])
            total = spent.setdefault(who, [0.0, 0.0, 0.0])
            for place, amount in enumerate((written, tokens, manifest["seconds"])):
                total[place] += amount
    tokens, seconds, unknown = 0.0, 0.0, False
    for who, most in missing.values():
        texts, length, took = spent.get(who, (0.0, 0.0, 0.0))
        unknown |= not texts
        mean = min(most, length / texts) if texts else float(most)
        tokens += mean
        seconds += mean * took / length if length else 0.0
    return Texts(len(missing), round(tokens), unknown, None if unknown else seconds)
