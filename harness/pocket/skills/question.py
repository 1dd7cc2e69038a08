"""What every skill draws: a question in one phrasing about one thing, with its only right answer.

A question belongs to a split by its phrasing and entity (`splits.split_of`); on top of that each
phrasing reserves some openers ("Hello! ") for validation and others for test. A held-out item
therefore shows a combination of phrasing and entity *and* a combination of opener and phrasing that
training never shows, while every fact, word, phrasing and opener by itself is known from training.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from harness.pocket.world.splits import Split, split_of, stable_hash
from harness.pocket.world.world import World

Message = dict[str, str]


@dataclass(frozen=True)
class Question:
    """One item of a skill; `prompt` is the last user turn.

    `history` holds earlier turns as (role, text); `constraints` are rules the answer must keep, in
    the form in which benchmark rows carry them; `around` is the question of another skill that this
    one wraps, which then decides the split.
    """

    skill: str
    phrasing: str
    entity: str
    prompt: str
    answer: str
    history: tuple[tuple[str, str], ...] = ()
    constraints: tuple[dict[str, Any], ...] = ()
    around: "Question | None" = None

    @property
    def split(self) -> Split:
        """The split this combination of phrasing and entity belongs to."""
        asked = self.around or self
        return split_of(asked.skill, asked.phrasing, asked.entity)

    def messages(self) -> list[Message]:
        """The chat up to and including the last user turn."""
        turns = [{"role": role, "content": text} for role, text in self.history]
        return [*turns, {"role": "user", "content": self.prompt}]


Skill = Callable[[World, random.Random], Question]

OPENERS = (
    "",
    "Hello! ",
    "Hi there. ",
    "Please help me. ",
    "I need your help. ",
    "One more thing: ",
    "Next question: ",
    "Now this: ",
)
"""The empty one belongs to training; each phrasing reserves two others per held-out split."""


def openers(skill: str, phrasing: str, split: Split) -> tuple[str, ...]:
    """The openers that may stand before a phrasing in a split."""
    shift = stable_hash("opener", skill, phrasing) % (len(OPENERS) - 1)
    turned = [
        OPENERS[1 + (shift + place) % (len(OPENERS) - 1)] for place in range(len(OPENERS) - 1)
    ]
    held_out = {"validation": tuple(turned[:2]), "test": tuple(turned[2:4])}
    return held_out.get(split) or (OPENERS[0], OPENERS[0], *turned[4:])


def draw(skill: Skill, world: World, rng: random.Random, split: Split) -> Question:
    """Draws a question of a split, opener included."""
    while True:
        question = skill(world, rng)
        if question.split == split:
            opener = rng.choice(openers(question.skill, question.phrasing, split))
            return replace(question, prompt=opener + question.prompt)


def a(noun: str) -> str:
    """The noun with its indefinite article.

    >>> a("apple"), a("dog")
    ('an apple', 'a dog')
    """
    return ("an " if noun[0] in "aeiou" else "a ") + noun


def sentence(text: str) -> str:
    """The text with a capital first letter."""
    return text[0].upper() + text[1:]
