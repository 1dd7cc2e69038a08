import pytest
from pydantic import ValidationError

from harness.errors import DataError
from harness.protocols import Sources
from harness.records import Corpora, Instruction, Message, Pair, Role
from harness.variants.replay import Replay
from harness.variants.sft import Sft
from tests.fakes import FixedPrompt, ScriptedGenerator

PAIRS = tuple(Pair(f"p{i}", f"the {i}", f"der {i}", "en", "de") for i in range(8))
CHATS = tuple(
    Instruction(f"i{i}", (Message("user", f"What is {i}?"),), f"It is {i}.") for i in range(6)
)


def sources(chats=CHATS, seed=1):
    corpora = Corpora(PAIRS, instructions=chats)
    return Sources(corpora, ScriptedGenerator(lambda prompt: ""), FixedPrompt(), seed, {})


def extras(made):
    return [example for example in made.examples if example.pair_id is None]


def test_the_pairs_are_those_of_plain_fine_tuning_and_the_chats_come_behind():
    made = Replay(ratio=0.5).examples(sources())
    assert made.examples[:8] == Sft().examples(sources()).examples
    assert len(extras(made)) == 4
    assert made.facts["extra_ratio"] == 0.5


def test_a_chat_is_its_prompt_and_its_answer_with_the_end_of_the_turn():
    prompt, answer = extras(Replay(ratio=1).examples(sources()))[0].segments
    assert (prompt.role, prompt.text) == (Role.PROMPT, "<user>What is 0?<assistant>")
    assert (answer.role, answer.text, answer.ends_turn) == (Role.REPLY, "It is 0.", True)


def test_a_ratio_beyond_the_pool_takes_all_of_it_and_says_what_it_came_to():
    made = Replay(ratio=5).examples(sources())
    assert [example.id for example in extras(made)] == [f"reply/i{i}" for i in range(6)]
    assert made.facts["extra_ratio"] == 6 / 8


def test_a_smaller_ratio_is_contained_in_a_larger_one_and_another_seed_draws_others():
    def ids(ratio, seed=1):
        return {example.id for example in extras(Replay(ratio=ratio).examples(sources(seed=seed)))}

    assert ids(0.125) < ids(0.25) < ids(0.5)
    assert len({frozenset(ids(0.25, seed)) for seed in range(5)}) > 1


def test_chats_without_an_answer_are_left_out_and_counted():
    silent = tuple(Instruction(f"s{i}", (Message("user", "Hm?"),)) for i in range(3))
    made = Replay(ratio=5).examples(sources(CHATS + silent))
    assert len(extras(made)) == 6
    assert made.facts["chats_without_answer"] == 3


def test_chats_of_which_none_has_an_answer_are_refused_with_the_mend():
    silent = (Instruction("s", (Message("user", "Hm?"),)),)
    with pytest.raises(DataError, match="none of 1 chats has an answer") as caught:
        Replay().examples(sources(silent))
    assert "recovery_kd" in caught.value.hint


def test_no_chats_at_all_are_refused_and_needed_unless_the_ratio_is_0():
    with pytest.raises(DataError, match=r"data\.instructions: missing or empty"):
        Replay().examples(sources(()))
    assert Replay().needs == ("instructions",)
    assert Replay(ratio=0).needs == ()
    assert Replay(ratio=0).examples(sources(())).examples == Sft().examples(sources()).examples


def test_only_replies_leaves_the_pairs_out():
    variant = Replay(ratio=0.5, only_replies=True, reply_weight=2)
    made = variant.examples(sources())
    assert [example.pair_id for example in made.examples] == [None] * 4
    assert variant.weights == {Role.REPLY: 2}


def test_only_replies_with_nothing_to_reply_to_is_refused():
    with pytest.raises(ValidationError, match="leaves nothing to learn"):
        Replay(ratio=0, only_replies=True)


def test_the_reply_weight_is_no_part_of_the_text():
    assert Replay(reply_weight=3).identity() == Replay().identity()
    assert Replay(ratio=0.5).identity() != Replay().identity()
