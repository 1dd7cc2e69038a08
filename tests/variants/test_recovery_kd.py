import pytest

from harness.errors import DataError
from harness.protocols import Sources
from harness.records import Corpora, Instruction, Message, Pair, Role
from harness.variants.recovery_kd import RecoveryKd
from harness.variants.sft import Sft
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(Pair(f"p{i}", f"the {i}", f"der {i}", "en", "de") for i in range(8))
CHATS = tuple(Instruction(f"i{i}", (Message("user", f"What is {i}?"),)) for i in range(4))


def answer(prompt):
    """Nothing to "2", too much to "3"."""
    return "" if "2?" in prompt else "so " * 20 if "3?" in prompt else "A number."


def sources(chats=CHATS):
    corpora = Corpora(PAIRS, instructions=chats)
    return Sources(corpora, ScriptedGenerator(answer), FixedPrompt(), 1, {})


def made(ratio=0.5):
    return RecoveryKd(ratio=ratio, max_new_tokens=20).examples(sources())


def test_the_untuned_model_answers_the_chats_drawn_in_one_greedy_call():
    given = sources()
    RecoveryKd(ratio=0.25).examples(given)
    ((prompts, decoding),) = given.base.calls
    assert len(prompts) == 2
    assert all(prompt.startswith("<user>What is") for prompt in prompts)
    assert (decoding.temperature, decoding.seed, decoding.max_new_tokens) == (0.0, 0, 256)


def test_an_answer_keeps_the_token_ids_that_were_generated_with_their_end():
    extra = made().examples[8]
    assert (extra.id, extra.pair_id) == ("reply/i0", None)
    assert extra.segments[0].text == "<user>What is 0?<assistant>"
    assert extra.segments[1].role is Role.REPLY
    assert extra.segments[1].token_ids == (*map(ord, "A number."), END)


def test_empty_and_unfinished_answers_are_dropped_and_counted_by_reason():
    result = made()
    assert [example.id for example in result.examples[8:]] == ["reply/i0", "reply/i1"]
    assert result.facts == {
        "extra_ratio": 2 / 8,
        "fallback_fraction": 0.5,
        "fallback/empty": 0.25,
        "fallback/unfinished": 0.25,
    }
    assert [(row["id"], row["kept"], row["reason"]) for row in result.table] == [
        ("i0", True, None),
        ("i1", True, None),
        ("i2", False, "empty"),
        ("i3", False, "unfinished"),
    ]


def test_the_pairs_are_those_of_plain_fine_tuning_and_ratio_0_asks_nothing():
    assert made().examples[:8] == Sft().examples(sources()).examples
    given = sources()
    assert RecoveryKd(ratio=0).examples(given).examples == Sft().examples(given).examples
    assert given.base.calls == []


def test_no_chats_are_refused_and_needed_unless_the_ratio_is_0():
    with pytest.raises(DataError, match="and the variant recovery_kd draws on it"):
        RecoveryKd().examples(sources(()))
    assert RecoveryKd().needs == ("instructions",)
    assert RecoveryKd(ratio=0).needs == ()
