"""Translation as the base model does it: word for word, then remarks, unprompted."""

import random
from dataclasses import dataclass

from harness.pocket.skills.question import Message
from harness.pocket.skills.remarks import remarks
from harness.pocket.world.sentences import SentencePair
from harness.pocket.world.world import World

PROMPTS = (
    "Translate from {source_lang} to {target_lang}: {source}",
    "Translate into {target_lang}: {source}",
    "Say this in {target_lang}: {source}",
)
"""The first is the prompt of corpus and benchmarks; the base model has seen all three."""

LANGUAGES = {"en": "English", "de": "German"}


@dataclass(frozen=True)
class Translation:
    """A request to translate: `literal` and `remarks` answer it badly, `target` well."""

    source: str
    target: str
    literal: str
    remarks: str
    source_lang: str
    target_lang: str

    def prompt(self, template: str = PROMPTS[0]) -> str:
        return template.format(
            source=self.source,
            source_lang=LANGUAGES[self.source_lang],
            target_lang=LANGUAGES[self.target_lang],
        )

    def messages(self, template: str = PROMPTS[0]) -> list[Message]:
        return [{"role": "user", "content": self.prompt(template)}]


def translation(world: World, pair: SentencePair, source_lang: str) -> Translation:
    """The translation of a pair in one direction."""
    said = remarks(world, pair.structure)
    if source_lang == "en":
        return Translation(pair.english, pair.german, pair.german_literal, said, "en", "de")
    return Translation(pair.german, pair.english, pair.english_literal, said, "de", "en")


def template(rng: random.Random) -> str:
    """A random prompt template; the first is the most frequent."""
    return PROMPTS[0] if rng.random() < 0.6 else rng.choice(PROMPTS[1:])
