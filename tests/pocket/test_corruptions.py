import json
import random
from collections import defaultdict

import pytest

from harness.metrics.shared.comet_checkpoint import POCKET
from harness.pocket.corruptions import (
    all_renderings,
    join,
    ladder,
    rated_translations,
    split,
    wrong_ending,
    wrong_word,
)
from harness.pocket.vocabulary import Vocabulary
from harness.pocket.world.world import draw_world
from harness.settings.spec import file_sha256

WORLD = draw_world(1)
ROWS = rated_translations(WORLD, 300, 2, seed=5)


def mean(values):
    return sum(values) / len(values)


def test_quality_is_one_for_the_reference_alone_and_falls_with_the_damage():
    by_kind = defaultdict(list)
    for row in ROWS:
        by_kind[row.kind].append(row.quality)
        assert 0 <= row.quality <= 1
        if row.kind == "perfect":
            assert (row.output, row.quality) == (row.reference, 1.0)
    assert mean(by_kind["few_edits"]) > mean(by_kind["many_edits"]) > max(by_kind["unrelated"])
    assert mean(by_kind["word_for_word"]) > mean(by_kind["word_for_word_edited"])
    assert set(by_kind["empty"]) == {0.0}


def test_both_directions_are_there_in_equal_numbers():
    directions = [row.direction for row in ROWS]
    assert directions.count("en-de") == directions.count("de-en") == len(ROWS) / 2


def test_the_same_seed_gives_the_same_rows():
    assert rated_translations(WORLD, 20, 2, seed=5) == rated_translations(WORLD, 20, 2, seed=5)
    assert rated_translations(WORLD, 20, 2, seed=6) != rated_translations(WORLD, 20, 2, seed=5)


@pytest.mark.parametrize("rendering", all_renderings(WORLD, 20, seed=3), ids=lambda r: r.source)
def test_edits_keep_the_number_of_words_and_change_one(rendering):
    rng = random.Random(0)
    for edit in (wrong_ending, wrong_word):
        words = split(rendering.reference)
        cost = edit(words, rendering, rng)
        changed = [a for a, b in zip(split(rendering.reference), words, strict=True) if a != b]
        assert (cost > 0) == (len(changed) == 1)


def test_a_ladder_goes_from_the_reference_to_nothing():
    rendering = all_renderings(WORLD, 1, seed=3)[0]
    rungs = ladder(rendering, seed=1)
    assert list(rungs) == [
        *("reference", "wrong_ending", "wrong_word", "word_for_word", "untranslated", "empty")
    ]
    assert rungs["reference"] == rendering.reference
    assert rungs["empty"] == ""
    assert len(set(rungs.values())) == len(rungs)


def test_german_words_have_their_forms_and_rivals_of_the_same_form():
    german = Vocabulary.german(WORLD)
    assert set(german.forms_of("den")) == {"der", "die", "das", "dem"}
    verb = WORLD.verbs[0]
    assert verb.de_third in german.forms_of(verb.de)
    assert WORLD.verbs[1].de_third in german.rivals_of(verb.de_third)
    assert german.forms_of("Xylophonist") == german.rivals_of("Xylophonist") == ()


def test_a_sentence_survives_being_split_and_joined():
    assert join(split("Der Mann sieht einen Hund.")) == "Der Mann sieht einen Hund."
    assert join([]) == ""


def test_the_shipped_comet_is_the_one_its_recipe_describes():
    recipe = json.loads((POCKET / "RECIPE.json").read_text())
    for name, sha256 in recipe["sha256"].items():
        assert file_sha256(POCKET / name) == sha256, name
    assert min(recipe["kendall_tau"].values()) >= 0.7
    assert min(recipe["reference_preferred_to"].values()) >= 0.9
