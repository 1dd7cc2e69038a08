"""What chat templates of four kinds ask of the harness, on toy tokenizers of these families."""

import logging
import re
from functools import cache

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from harness.data.rows import tokenise_example
from harness.errors import ConfigError
from harness.models.thoughts import closed, split_thoughts, thinking
from harness.models.tokenizer import ChatTokenizer
from harness.records import Example, Message, Role, Segment
from tests.toys.families import FAMILIES, toy_tokenizer
from tests.toys.retold import retold as changed

ASKED = (Message("user", "The dog."),)
WITH_SYSTEM = (Message("system", "Be brief."), *ASKED)
CHAT = (*ASKED, Message("assistant", "Der Hund."), Message("user", "The fox."))


@cache
def tokenizer(name):
    return ChatTokenizer(toy_tokenizer(name))


def shown(found, ids):
    return found.tokenizer.convert_ids_to_tokens(ids)


@pytest.mark.parametrize("name", ["llama", "mistral", "gemma2", "gemma3"])
def test_a_forced_beginning_of_text_comes_once(name):
    found = tokenizer(name)
    begin = found.tokenizer.bos_token_id
    assert found.tokenizer.encode("x")[0] == begin, "the tokenizer would add one of its own"
    for chat in (ASKED, CHAT):
        ids = found.encode_chat(chat)
        assert ids[0] == begin
        assert ids.count(begin) == 1
    assert begin not in found.encode("Der Hund")
    assert begin not in found.encode_answer("Der Hund")


@pytest.mark.parametrize("name", FAMILIES)
def test_a_prompt_and_its_answer_are_what_the_template_writes(name):
    found = tokenizer(name)
    answer = "Der Hund ist in dem Haus."
    whole = found.tokenizer.apply_chat_template(
        [{"role": "user", "content": "The dog."}, {"role": "assistant", "content": answer}],
        tokenize=False,
    )
    end = found.tokenizer.convert_ids_to_tokens(found.end_id)
    expected = found.tokenizer.encode(whole[: whole.rindex(end)], add_special_tokens=False)
    assert found.encode_chat(ASKED) + found.encode_answer(answer) == tuple(expected)


@pytest.mark.parametrize(
    ("name", "end", "others"),
    [
        ("llama", "<|eot_id|>", {"<|end_of_text|>"}),
        ("mistral", "</s>", set()),
        ("qwen3", "<|im_end|>", set()),
        ("gemma3", "<end_of_turn>", {"<eos>"}),
    ],
)
def test_the_token_that_ends_a_turn_stops_though_nothing_lists_it(name, end, others):
    found = tokenizer(name)  # made without the ends of a generation configuration
    assert shown(found, [found.end_id]) == [end]
    assert set(shown(found, found.end_ids)) == {end, *others}


def test_no_token_that_could_end_an_answer_is_an_error():
    plain = changed("llama", "{% for m in messages %}{{ m.content }}{% endfor %}", eos_token=None)
    with pytest.raises(ConfigError, match="set eos_token"):
        _ = plain.end_ids


@pytest.mark.parametrize("name", ["mistral", "gemma3"])
def test_a_system_turn_that_is_refused_joins_the_users_and_that_is_logged(name, caplog):
    found = ChatTokenizer(toy_tokenizer(name))
    joined = found.render_chat((Message("user", "Be brief.\n\nThe dog."),))
    assert not found.template.joins_system
    with caplog.at_level(logging.WARNING):
        assert found.render_chat(WITH_SYSTEM) == joined
        found.render_chat((Message("system", "Be kind."), *CHAT))
    assert found.template.joins_system
    assert len(caplog.records) == 1
    assert "no system turn" in caplog.text


def test_a_system_turn_that_is_left_out_in_silence_joins_the_users_too():
    silent = "{% for m in messages if m.role != 'system' %}<{{ m.content }}>{% endfor %}"
    assert changed("llama", silent).render_chat(WITH_SYSTEM) == "<Be brief.\n\nThe dog.>"


@pytest.mark.parametrize("name", ["llama", "qwen3"])
def test_a_system_turn_that_is_there_stays(name):
    found = ChatTokenizer(toy_tokenizer(name))
    text = found.render_chat(WITH_SYSTEM)
    assert text.index("system") < text.index("Be brief.") < text.index("user")
    assert not found.template.joins_system


def test_turns_that_no_joining_mends_are_an_error():
    with pytest.raises(ConfigError, match="refuses the turns user, user: turns must alternate"):
        tokenizer("mistral").render_chat((*ASKED, *ASKED))


def test_the_assistant_has_the_name_the_template_gives_it():
    text = tokenizer("gemma3").render_chat(CHAT)
    assert text.count("<start_of_turn>model\n") == 2
    assert "assistant" not in text


@pytest.mark.parametrize("name", FAMILIES)
def test_what_goes_on_gets_no_blank_put_first(name):
    found = tokenizer(name)
    start = found.encode_chat(ASKED) + found.encode_answer("Der Hund")
    for more in ("s", " ist", "\n\nThe dog", "\n", "."):
        said = found.decode((*start, *found.encode(more)))
        assert said.endswith(f"Der Hund{more}"), shown(found, found.encode(more))


@given(text=st.text(alphabet="aDeHnrtu .\n\t本ß", max_size=20))
@pytest.mark.parametrize("name", ["llama", "mistral", "gemma3"])
def test_text_that_goes_on_is_decoded_as_it_was(name, text):
    found = tokenizer(name)
    lead = found.encode_answer("x")
    assert found.decode((*lead, *found.encode(text))) == f"x{text}"


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("answer", ["\n\nDer Hund", "Der Hund", "!", " Der"])
def test_prompt_ids_stay_those_of_the_question_whatever_the_answer_begins_with(name, answer):
    found = tokenizer(name)
    prompt = found.encode_chat(ASKED)
    segments = (
        Segment(Role.PROMPT, found.render_chat(ASKED), prompt),
        Segment(Role.TRANSLATION, answer),
        Segment(Role.RATIONALE, "\n\nThe dog", found.encode("\n\nThe dog"), ends_turn=True),
    )
    row = tokenise_example(Example("a", segments), found.encode, found.ending, found.encode_first)
    assert row.ids[: len(prompt)] == prompt
    assert set(row.roles[: len(prompt)]) == {Role.PROMPT}
    told = [index for index, role in enumerate(row.roles) if role is Role.TRANSLATION]
    assert told[0] == len(prompt)
    assert tuple(row.ids[index] for index in told) == found.encode_answer(answer)
    assert row.ids[-1] == found.end_id
    assert row.roles[-1] is Role.RATIONALE


def test_tokens_that_would_merge_over_the_boundary_do_not():
    found = tokenizer("llama")
    prompt, answer = found.render_chat(ASKED), "\nDer"
    merged = found.tokenizer.encode(prompt + answer, add_special_tokens=False)
    apart = found.encode_chat(ASKED) + found.encode_answer(answer)
    assert shown(found, merged) != shown(found, apart)
    assert found.decode(merged) == found.decode(apart)


def test_a_rationale_goes_on_in_an_answer_that_was_not_closed():
    for name in FAMILIES:
        found = tokenizer(name)
        start = found.encode_chat(ASKED) + found.encode_answer("Der Hund")
        assert not set(found.end_ids) & set(start[len(found.encode_chat(ASKED)) :]), name
        assert found.tokenizer.decode(start).endswith("Der Hund"), name


def test_thoughts_are_off_by_the_switch_of_the_template():
    found = tokenizer("qwen3")
    assert found.render_chat(ASKED).endswith("assistant\n<think>\n\n</think>\n\n")
    assert thinking(found.tokenizer.chat_template).startswith("off by the template's enable_th")


def test_thoughts_that_are_opened_in_every_prompt_are_closed_there():
    opened = "{{ messages[-1].content }}{% if add_generation_prompt %}<A><think>\n{% endif %}"
    found = changed("qwen3", opened)
    assert found.render_chat(ASKED) == "The dog.<A><think>\n\n</think>\n\n"
    assert "closed in the prompt" in thinking(opened)


def test_a_mark_in_front_of_every_answer_ends_the_prompt():
    marked = (
        "{% for m in messages %}<{{ m.role }}>"
        "{% if m.role == 'assistant' %}<final>{% endif %}{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    assert changed("llama", marked).render_chat(ASKED).endswith("<assistant><final>")


def test_thoughts_are_cut_off_answers_only_where_the_template_knows_of_them():
    text = "<think>dog, Hund</think>\n\nDer Hund"
    assert tokenizer("qwen3").split_thoughts(text) == ("<think>dog, Hund</think>", "Der Hund")
    assert tokenizer("llama").split_thoughts(text) == ("", text)


@given(st.text(), st.text())
@example("two", "</think>")
@example("two", "</think>\n</think>Hund")
def test_nothing_of_what_was_said_is_lost_with_the_thoughts(thoughts, answer):
    said = re.sub(r"^(?:\s*</think>)+", "", answer)  # closed once more than opened
    assume("</think>" not in thoughts + said)
    head, tail = split_thoughts(f"<think>{thoughts}</think>{answer}")
    assert (head + tail).replace("\n", "") == f"<think>{thoughts}</think>{answer}".replace("\n", "")
    assert "</think>" not in tail
    assert closed(tail) == tail or tail.rstrip().endswith("<think>")


def test_ids_behind_the_last_token_are_read_as_nothing():
    found = tokenizer("qwen3")
    assert found.decode((*found.encode("Der"), len(found.tokenizer) + 3)) == "Der"


def test_what_stands_before_every_turn_marks_no_answer():
    plain = "{% for m in messages %}{{ '[INST] ' + m.content + ' [/INST]' }}{% endfor %}"
    assert changed("llama", plain).render_chat(ASKED) == "[INST] The dog. [/INST]"
