import itertools

import numpy as np
import pytest
from pydantic import ValidationError

from harness.errors import DataError
from harness.protocols import Sources
from harness.records import Corpora, Instruction, Message, Pair, Role
from harness.variants.sft import Sft
from harness.variants.shared import diversity
from harness.variants.ssr import Ssr
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(Pair(f"p{i}", f"the {i}", f"der {i}", "en", "de") for i in range(8))
CHATS = tuple(
    Instruction(f"i{i}", (Message("user", f"What is {i}?"),), f"It is {i}.") for i in range(6)
)
NOUNS = ["aardvark", "basilisk", "crocodile", "dromedary", "elephant", "flamingo"]


class Inventive(ScriptedGenerator):
    """Writes as the user what its list has next, and answers whatever is asked."""

    def __init__(self, *written):
        turns = itertools.cycle(written or [f"Describe the {noun}." for noun in NOUNS])
        super().__init__(
            lambda prompt: next(turns) if prompt.endswith("<user>") else self.answer(prompt)
        )

    def answer(self, prompt):
        if "basilisk" in prompt:
            return ""
        return "It is an animal."


def sources(*written, chats=CHATS, seed=1):
    corpora = Corpora(PAIRS, instructions=chats)
    return Sources(corpora, Inventive(*written), FixedPrompt(), seed, {})


def made(given=None, **settings):
    variant = Ssr(**{"num_candidates": 12, "num_clusters": 2, **settings})
    return variant.examples(given or sources())


def extras(result):
    return [example for example in result.examples if example.pair_id is None]


def test_two_exchanges_are_shown_then_a_turn_of_the_user_is_opened():
    given = sources()
    made(given, num_demonstrations=3)
    prompts, decoding = given.base.calls[0]
    assert len(prompts) == 12
    shown = {prompt.count("<assistant>It is ") for prompt in prompts}
    assert shown == {2}
    assert all(prompt.endswith(".<user>") for prompt in prompts)
    assert len(set(prompts)) <= 6  # ordered pairs of three
    assert decoding.temperature == 0.9
    assert decoding.seed != 0


def test_the_instructions_are_answered_anew_greedily_and_joined_to_the_pairs():
    given = sources()
    result = made(given)
    assert result.examples[:8] == Sft().examples(given).examples
    prompts, decoding = given.base.calls[1]
    assert prompts[0] == "<user>Describe the aardvark.<assistant>"
    assert (decoding.temperature, decoding.seed) == (0.0, 0)
    prompt, answer = extras(result)[0].segments
    assert prompt.text == "<user>Describe the aardvark.<assistant>"
    assert (answer.role, answer.token_ids) == (Role.REPLY, (*map(ord, "It is an animal."), END))


def test_copies_empty_and_endless_instructions_and_empty_answers_are_counted():
    written = ["Describe the aardvark.", "", "so " * 9, "What is 3?", "Name the basilisk."]
    result = made(sources(*written), num_candidates=10, max_instruction_tokens=25)
    assert len(extras(result)) == 1
    assert result.facts == {
        "extra_ratio": 1 / 8,
        "synthesised": 10,
        "selected": 2,
        "fallback_fraction": 0.9,
        "fallback/instruction_unfinished": 0.2,
        "fallback/instruction_empty": 0.2,
        "fallback/instruction_copy": pytest.approx(0.4),  # of each other, and of a demonstration
        "fallback/empty": 0.1,
        "fallback/unfinished": 0.0,
    }


def test_so_many_are_kept_and_a_smaller_ratio_is_contained_in_a_larger_one():
    def prompts(**settings):
        return {example.segments[0].text for example in extras(made(**settings))}

    plain = [f"Describe the {noun}." for noun in NOUNS if noun != "basilisk"]
    assert len(made(num_kept=3).table) == 3
    assert len(prompts()) == len(plain)
    assert prompts(ratio=0.125) < prompts(ratio=0.5) < prompts()


def test_the_demonstrations_are_single_answered_chats_drawn_once():
    long = Instruction("l", (Message("system", "s"), Message("user", "Long?")), "Long.")
    silent = Instruction("s", (Message("user", "Silent?"),))
    given = sources(chats=(*CHATS, long, silent))
    made(given, num_candidates=100)
    text = "".join(given.base.calls[0][0])
    assert "Long" not in text
    assert "Silent" not in text


def test_too_few_chats_to_show_are_refused_with_the_mend():
    with pytest.raises(DataError, match="1 chats of one question and its answer"):
        made(sources(chats=CHATS[:1]))
    with pytest.raises(ValidationError, match="at most num_demonstrations"):
        Ssr(shots=3, num_demonstrations=2)


def test_nothing_is_written_or_needed_at_ratio_0():
    given = sources(chats=())
    assert Ssr(ratio=0).examples(given).examples == Sft().examples(given).examples
    assert given.base.calls == []
    assert (Ssr().needs, Ssr(ratio=0).needs) == (("instructions",), ())


def test_equal_texts_are_copies_and_different_ones_are_not():
    rows = diversity.features(["a cow", "a dog", "a cow", "the universe"])
    assert diversity.near_copies(rows, 1.0) == [False, False, True, False]
    assert diversity.near_copies(rows, 0.0) == [False, True, True, True]


def test_each_cluster_keeps_its_share_nearest_to_its_centroid():
    # Two clusters on a line: 0, 1, 5 (mean 2) and 100, 101, 103, 104, 112 (mean 104).
    rows = np.array([[0.0], [1.0], [5.0], [100.0], [101.0], [103.0], [104.0], [112.0]])
    # Four of eight: shares 1.5 and 2.5, and the first of equal remainders is rounded up.
    kept = diversity.nearest_to_centroids(rows, 4, 2, seed=1)
    assert set(kept) in ({1, 0, 5, 6}, {1, 4, 5, 6})
    assert len(kept) == 4
    assert diversity.nearest_to_centroids(rows, 8, 2, seed=1) == list(range(8))
