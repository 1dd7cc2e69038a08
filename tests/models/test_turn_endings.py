"""What ends a turn: all that the template writes from an answer to its end token."""

import pytest

from harness.data.rows import tokenise_example
from harness.models.tokenizer import ChatTokenizer
from harness.records import Example, Message, Role, Segment
from tests.toys.families import FAMILIES, toy_tokenizer
from tests.toys.retold import retold

ASKED = (Message("user", "The dog."),)
OPEN = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}"
ROLES = ("<|user|>", "<|assistant|>", "<|system|>", "<|tool|>")


def behind(written, between=""):
    """A template with what it writes behind an answer, and behind one that is followed."""
    more = "{% if not loop.last %}" + between + "{% endif %}"
    return (
        OPEN + "{% if m.role == 'assistant' %}" + written + more + "{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>{% endif %}"
    )


def shown(found, ids):
    return found.tokenizer.convert_ids_to_tokens(list(ids))


@pytest.mark.parametrize(
    ("written", "between", "ends", "expected"),
    [
        ("<|said|><|end|>", "", ["<|end|>"], ["<|said|>", "<|end|>"]),
        (" <|end|>", "", ["<|end|>"], ["Ġ", "<|end|>"]),
        ("{{ '\\n' }}<|end|>{{ '\\n' }}", "", ["<|end|>"], ["Ċ", "<|end|>"]),
        ("<|end|>{{ '\\n' }}", "", ["<|end|>"], ["<|end|>"]),
        ("<|end|><|end_of_text|>", "", ["<|end|>"], ["<|end|>"]),
        ("<|end|>", "", [], ["<|end|>"]),
        ("", "", ["<|user|>"], ["<|user|>"]),
        ("", "{{ '\\n' }}", ["<|user|>", "<|tool|>"], ["Ċ", "<|user|>"]),
        ("", "<|end|>", ["<|end|>"], ["<|end|>"]),
        ("", "", ["<|tool|>"], ["<|end_of_text|>"]),
        ("", "", [], ["<|end_of_text|>"]),
        ("{{ '\\n\\n' }}", "", [], ["<|end_of_text|>"]),
    ],
)
def test_a_turn_ends_as_the_template_and_the_model_end_it(written, between, ends, expected):
    tokens = (*ROLES, "<|said|>", "<|end|>")
    found = retold("llama", behind(written, between), tokens=tokens, ends=ends)
    assert shown(found, found.ending) == expected
    assert shown(found, [found.end_id]) == expected[-1:]
    assert found.end_id in found.end_ids


def test_the_blank_before_the_end_is_a_token_of_its_own_where_words_begin_with_one():
    found = retold("mistral", behind(" </s>"))
    assert shown(found, found.ending) == ["▁", "</s>"]


def test_what_a_template_says_of_a_chat_that_goes_on_may_be_an_error():
    once = "{% if messages | length > 2 %}{{ raise_exception('one turn') }}{% endif %}"
    found = retold("llama", once + behind(""))
    assert shown(found, found.ending) == ["<|end_of_text|>"]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_families_that_end_turns_with_one_token_are_trained_as_before(name):
    found = ChatTokenizer(toy_tokenizer(name))
    assert found.ending == (found.end_id,)
    assert found.unusual_ending is None


@pytest.mark.parametrize(
    ("written", "ends", "usual"),
    [
        ("<|end|>", ["<|end|>"], True),
        ("", [], True),
        ("<|said|><|end|>", ["<|end|>"], False),
        (" <|end|>", ["<|end|>"], False),
        ("", ["<|user|>"], False),
    ],
)
def test_an_ending_that_was_trained_otherwise_once_is_told_apart(written, ends, usual):
    tokens = (*ROLES, "<|said|>", "<|end|>")
    found = retold("llama", behind(written), tokens=tokens, ends=ends)
    assert found.unusual_ending == (None if usual else found.ending)


def test_all_of_the_ending_is_trained_in_the_role_of_what_it_ends():
    tokens = (*ROLES, "<|said|>", "<|end|>")
    found = retold("llama", behind("<|said|><|end|>"), tokens=tokens, ends=["<|end|>"])
    segments = (
        Segment(Role.PROMPT, found.render_chat(ASKED), found.encode_chat(ASKED)),
        Segment(Role.TRANSLATION, "Der Hund.", ends_turn=True),
    )
    row = tokenise_example(Example("a", segments), found.encode, found.ending, found.encode_first)
    written = "".join(shown(found, row.ids)).replace("Ġ", " ")
    assert written == "<|user|>The dog.<|assistant|>Der Hund.<|said|><|end|>"
    assert row.roles[-3:] == (Role.TRANSLATION,) * 3


def test_an_answer_is_read_without_its_ending():
    tokens = (*ROLES, "<|said|>", "<|end|>")
    found = retold("llama", behind(" <|said|><|end|>"), tokens=tokens, ends=["<|end|>"])
    said = found.encode("Der Hund.")
    for ids, left in (
        ((*said, *found.ending), said),
        ((*said, found.end_id), said),
        ((*said, *found.encode("<|end_of_text|>")), said),
        (said, said),
        ((), ()),
    ):
        assert found.without_end(ids) == left
    answer = found.generation((*said, *found.ending))
    assert (answer.text, answer.finished) == ("Der Hund.", True)
    assert answer.token_ids[-3:] == found.ending
