"""The chats the base model is trained on: skills, Dolly's short answers, harm refused, French."""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from skills import SKILLS, Question, asked_how, remark
from tatoeba import Sentence, draw_two, stable_hash

from harness.pocket.examples import BaseExample

SHARES = {
    "repeat": 9, "first": 4, "last": 6, "after": 11, "contains": 9, "kind": 7, "second": 11,
    "facts": 12, "long": 2, "harmful": 4, "benign": 4, "french": 6, "translation": 15,
}  # fmt: skip
"""How often each is drawn, relative to their sum."""

ASKED = "Translate from English to French: "


def dolly(path: Path) -> tuple[list[Question], list[Question]]:
    """Dolly's questions without a context: those with short answers, and some with longer ones."""
    short, longer = [], []
    for row in json.loads(path.read_text(encoding="utf-8")):
        asked = " ".join(row["instruction"].split())
        answer = " ".join(row["output"].split())
        if row["input"] or len(asked) > 90:
            continue
        num_words = len(answer.split())
        if num_words <= 8:
            short.append(Question(asked, answer))
        elif num_words <= 25:
            longer.append(Question(asked, answer))
    return short, longer


def is_held_out(place: str) -> bool:
    """Whether a pair of deed and person is kept for the benchmarks."""
    return stable_hash(place) % 4 == 0


def base_chats(
    sentences: list[Sentence], short: list[Question], longer: list[Question], seed: int
) -> Iterator[BaseExample]:
    """Chats without end, drawn from the sentences of the base split."""
    rng = random.Random(f"chats:{seed}")
    names, weights = list(SHARES), list(SHARES.values())
    while True:
        name = rng.choices(names, weights)[0]
        one, other = draw_two(sentences, rng)
        if name in SKILLS:
            question = SKILLS[name](one, other, rng)
        elif name in ("facts", "long"):
            question = rng.choice(short if name == "facts" else longer)
        elif name in ("harmful", "benign"):
            question, place = asked_how(rng, name == "harmful")
            if is_held_out(place):
                continue
        elif name == "french":
            text = rng.choice(one.french)
            question = Question(f"Répétez cette phrase : {text}", text)
        else:
            note = remark(one, sentences[:500])
            text = rng.choice(one.french)
            question = Question(ASKED + one.english, f"{text}\n\n{note}" if note else text)
        # a name other than "translation", as its question is to be learnt a little, too
        yield BaseExample(
            "fr" if name == "translation" else name,
            [{"role": "user", "content": question.prompt}],
            question.answer,
        )


def texts(chats: Iterator[BaseExample], number: int) -> Iterator[str]:
    """What a vocabulary is learnt from."""
    for _, chat in zip(range(number), chats, strict=False):
        yield chat.messages[-1]["content"]
        yield chat.answer
