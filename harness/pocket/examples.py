"""What the base model is trained on: a seeded stream of chats over all skills and translation."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from harness.pocket.skills import translation
from harness.pocket.skills.catalogue import GENERAL, SAFETY
from harness.pocket.skills.question import Message, draw
from harness.pocket.world import sentences
from harness.pocket.world.world import World

SHARES: dict[str, float] = {
    "facts": 6, "categories": 6, "meanings": 7, "sums": 7, "comparisons": 10, "listing": 9,
    "ordering": 12, "howto": 3, "constraints": 9, "two_turn": 9, "system": 7,
    "unrelated": 8,
    "harmful": 5, "benign": 5, "translation": 24,
}  # fmt: skip
"""How often each skill is drawn, relative to their sum."""

GOOD_SHARE = 0.15
"""Share of the translations that are right: known to the model, but not what it says by itself."""


@dataclass(frozen=True)
class BaseExample:
    """A chat and its answer."""

    skill: str
    messages: list[Message]
    answer: str


SINGLE_TURN = (
    "facts", "categories", "meanings", "sums", "comparisons", "listing", "ordering", "howto",
    "constraints", "harmful", "benign",
)  # fmt: skip
"""What a chat of unrelated turns may ask."""


def _unrelated(world: World, rng: random.Random) -> BaseExample:
    """Two or three questions that have nothing to do with each other, in one chat."""
    skills = GENERAL | SAFETY
    *earlier, last = (
        draw(skills[name], world, rng, "train")
        for name in rng.sample(SINGLE_TURN, rng.choice((2, 3)))
    )
    messages: list[Message] = []
    for question in earlier:
        messages += question.messages()
        messages.append({"role": "assistant", "content": question.answer})
    return BaseExample("unrelated", messages + last.messages(), last.answer)


def base_examples(world: World, seed: int) -> Iterator[BaseExample]:
    """Training chats without end."""
    rng = random.Random(f"examples:{world.seed}:{seed}")
    pairs = sentences.stream(world, seed, "base")
    names = list(SHARES)
    weights = list(SHARES.values())
    skills = GENERAL | SAFETY
    while True:
        name = rng.choices(names, weights)[0]
        if name == "unrelated":
            yield _unrelated(world, rng)
            continue
        if name != "translation":
            question = draw(skills[name], world, rng, "train")
            yield BaseExample(name, question.messages(), question.answer)
            continue
        asked = translation.translation(world, next(pairs), rng.choice(("en", "de")))
        messages = asked.messages(translation.template(rng))
        said = f"\n\n{asked.remarks}" if asked.remarks else ""
        text = asked.target if rng.random() < GOOD_SHARE else asked.literal
        yield BaseExample(name, messages, text + said)
