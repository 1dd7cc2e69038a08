from dataclasses import replace
from itertools import islice

import pytest

from harness.data.rows import tokenise
from harness.errors import ConfigError
from harness.protocols import Sources
from harness.records import Corpora, Pair, Role
from harness.training.batches import steps
from harness.training.prepare import prepare, to_learn
from harness.variants.lait import Lait
from harness.variants.sft import Sft
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(
    Pair(f"p{index}", f"the {noun}", f"der {noun}", "en", "de")
    for index, noun in enumerate(["Hund", "Wolf", "Fuchs", "Esel", "Hahn", "Bock"])
)


def sources(pairs=PAIRS, prompt=None, seed=1):
    generator = ScriptedGenerator(lambda text: "")
    return Sources(Corpora(pairs), generator, prompt or FixedPrompt(), seed, {})


def unwanted(made):
    return [example for example in made.examples if example.pair_id is None]


def test_the_task_is_that_of_plain_fine_tuning():
    made = Lait().examples(sources())
    assert made.examples[: len(PAIRS)] == Sft().examples(sources()).examples


def test_the_reference_is_unwanted_behind_a_request_for_the_source_language():
    first = unwanted(Lait().examples(sources()))[0]
    request, answer = first.segments
    assert request.text == "<user>en>en: the Hund<assistant>"
    assert (answer.role, answer.text, answer.ends_turn) == (Role.UNWANTED, "der Hund", True)


def test_with_a_third_language_in_the_corpus_the_wrong_one_is_neither_of_the_pairs():
    pairs = (*PAIRS, Pair("q", "la vache", "die Kuh", "fr", "de"), Pair("r", "a", "b", "en", "cs"))
    made = Lait().examples(sources(pairs))
    for pair, row in zip(pairs, made.table, strict=True):
        assert row["asked"] not in (pair.source_lang, pair.target_lang)
    assert {row["asked"] for row in made.table[: len(PAIRS)]} == {"fr", "cs"}
    assert made.facts == {"unwanted_examples": 8, "asked_for_source_language": 0}


def test_a_request_that_does_not_name_the_target_language_is_refused():
    class Wordless:
        def messages(self, source, source_lang, target_lang):
            return FixedPrompt().messages(source, "x", "y")

    with pytest.raises(ConfigError, match=r"data\.prompt: .* lait"):
        Lait().examples(sources(prompt=Wordless()))


def rows(variant):
    made = variant.examples(sources())
    return to_learn(tokenise(made.examples, made_of_characters, (END,), 99).rows, variant.weights)


def made_of_characters(text):
    return tuple(map(ord, text))


def test_as_many_wrong_requests_as_right_ones_come_in_the_last_steps_alone():
    variant = Lait(last_steps=3)
    num_steps = 5
    starts = {role: num_steps - last for role, last in variant.late.items()}
    source = steps(prepare(rows(variant), variant.weights), 2, seed=1, starts=starts)
    wrong = [
        sum(Role.UNWANTED in row.counts for row in batch) for batch in islice(source, num_steps)
    ]
    assert wrong == [0, 0, 2, 2, 2]


def test_at_weight_zero_the_wrong_requests_are_not_even_read():
    assert len(rows(Lait(unlikelihood_weight=0.0))) == len(PAIRS)
    assert len(rows(Lait())) == 2 * len(PAIRS)


def test_weight_and_time_are_no_part_of_the_identity():
    changed = Lait(unlikelihood_weight=1.0, last_steps=7)
    assert changed.identity() == Lait().identity() == {"name": "lait"}
    assert changed.weights[Role.UNWANTED] == 1.0
    assert changed.late == {Role.UNWANTED: 7}


def test_the_language_drawn_comes_from_the_seed():
    pairs = (
        *PAIRS,
        *(replace(pair, id=f"{pair.id}x", target_lang="cs") for pair in PAIRS),
        *(replace(pair, id=f"{pair.id}y", target_lang="ru") for pair in PAIRS),
    )

    def asked(seed):
        return [row["asked"] for row in Lait().examples(sources(pairs, seed=seed)).table]

    assert asked(1) == asked(1) != asked(2)
