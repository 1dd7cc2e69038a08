import itertools

import pytest

from harness.protocols import Sources
from harness.records import Corpora, Pair, Role
from harness.variants.cfs import Cfs
from harness.variants.sft import Sft
from tests.fakes import END, START, FixedPrompt, ScriptedGenerator

PAIRS = tuple(Pair(f"p{i}", f"the {i}", f"der {i}", "en", "de") for i in range(8))
WRITTEN = ["What is a cow?", "", "so " * 20, "Silence!"]


class Inventive(ScriptedGenerator):
    """From nothing it writes what its list has next; it answers all but silence."""

    def __init__(self, *written):
        turns = itertools.cycle(written)
        starts = ("<user>", chr(START))
        super().__init__(
            lambda prompt: next(turns) if prompt in starts else self.answer(prompt),
        )

    def answer(self, prompt):
        return "" if "Silence" in prompt else "An animal."


def sources(*written):
    generator = Inventive(*(written or WRITTEN))
    return Sources(Corpora(PAIRS), generator, FixedPrompt(), 1, {})


def made(given=None, **settings):
    variant = Cfs(**{"ratio": 0.5, "max_new_tokens": 20, **settings})
    return variant.examples(given or sources())


def by_role(result, role):
    return [one for one in result.examples if one.segments[1].role is role]


def test_every_sample_starts_from_a_turn_of_the_user_and_nothing_else():
    given = sources()
    made(given)
    prompts, decoding = given.base.calls[0]
    assert prompts == ["<user>"] * 4
    assert decoding.temperature == 1.0
    assert decoding.seed != 0


def test_a_sample_is_learnt_from_its_first_token_with_the_ids_it_has():
    text, cut, _ = by_role(made(), Role.TEXT)
    assert (text.segments[0].token_ids, text.pair_id) == (tuple(map(ord, "<user>")), None)
    assert text.segments[1].token_ids == (*map(ord, "What is a cow?"), END)
    assert cut.segments[1].token_ids == tuple(map(ord, ("so " * 20)[:20]))


def test_whole_turns_are_answered_by_sampling_too():
    given = sources()
    result = made(given)
    prompts, decoding = given.base.calls[1]
    assert prompts == ["<user>What is a cow?<assistant>", "<user>Silence!<assistant>"]
    assert decoding.temperature == 1.0
    (reply,) = by_role(result, Role.REPLY)
    assert reply.segments[0].text == "<user>What is a cow?<assistant>"
    assert reply.segments[1].token_ids == (*map(ord, "An animal."), END)


def test_a_model_that_goes_on_by_itself_is_not_asked_again():
    given = sources("What is a cow?<assistant>An animal.")
    result = made(given, max_new_tokens=100)
    assert len(given.base.calls) == 1
    assert [one.segments[1].role for one in result.examples[8:]] == [Role.TEXT] * 4


def test_empty_samples_and_answers_are_left_out_and_counted():
    facts = made().facts
    tokens = [15, 1, 20, 9, 11, 1]  # the end of a turn counted; the third cut
    assert facts == {
        "extra_ratio": 4 / 8,
        "samples": 4,
        "sample_mean_tokens": pytest.approx(sum(tokens) / 6),
        "sample_cut_rate": pytest.approx(1 / 6),
        "fallback_fraction": pytest.approx(2 / 6),
        "fallback/empty": pytest.approx(2 / 6),
    }
    assert [row["reason"] for row in made().table] == [None, "empty", None, None]


def test_without_answers_the_turns_are_all():
    given = sources()
    result = made(given, answers=False)
    assert len(given.base.calls) == 1
    assert not by_role(result, Role.REPLY)


def test_from_the_start_of_a_text_nothing_is_answered():
    given = sources()
    result = made(given, start="text")
    assert given.base.calls[0][0] == [chr(START)] * 4
    assert len(given.base.calls) == 1
    assert by_role(result, Role.TEXT)[0].segments[0].token_ids == (START,)


def test_a_smaller_ratio_is_contained_in_a_larger_one(tiny):
    def samples(ratio):
        given = Sources(Corpora(PAIRS), tiny, FixedPrompt(), 1, {})
        result = Cfs(ratio=ratio, max_new_tokens=4).examples(given)
        return [example.segments[1].token_ids for example in by_role(result, Role.TEXT)]

    few, many = samples(0.25), samples(0.75)
    assert len(set(many)) > 1
    assert many[: len(few)] == few


def test_the_pairs_are_those_of_plain_fine_tuning_and_ratio_0_asks_nothing():
    assert made().examples[:8] == Sft().examples(sources()).examples
    given = sources()
    assert Cfs(ratio=0).examples(given).examples == Sft().examples(given).examples
    assert given.base.calls == []
    assert Cfs().needs == ()


def test_one_weight_is_on_all_that_was_sampled():
    assert Cfs(text_weight=3).weights == {Role.TRANSLATION: 1, Role.TEXT: 3, Role.REPLY: 3}
    assert Cfs(text_weight=3).identity() == Cfs().identity()
