import pytest

from harness.models.tokenizer import ChatTokenizer
from harness.records import Generation
from harness.variants.shared.turns import user_turns
from tests.toys.tiny import tiny_tokenizer

INSTRUCT = (
    "{% for message in messages %}{{ '[INST] ' + message['content'] + ' [/INST]' }}{% endfor %}"
)


def turn(text, template=None, special=(), end="<|end|>"):
    """What is read of a text that the model wrote, special tokens and all."""
    tokenizer = tiny_tokenizer()
    if template is not None:
        tokenizer.chat_template = template
    tokenizer.add_special_tokens({"additional_special_tokens": list(special)})
    writer = ChatTokenizer(tokenizer)
    ids = writer.encode(text + end)
    finished = bool(end)
    (found,) = user_turns(writer, [Generation(ids, writer.decode(ids), finished)])
    return found.text, found.finished


def test_a_turn_ends_where_generation_ends():
    assert turn(" What is a cow? ") == ("What is a cow?", True)


def test_a_turn_that_was_cut_is_unfinished():
    assert turn("What is a", end="") == ("What is a", False)


@pytest.mark.parametrize("special", [(), ("[/INST]",)], ids=["as text", "as a token"])
@pytest.mark.parametrize("end", ["<|end|>", ""])
def test_what_the_template_writes_behind_the_users_words_ends_them(special, end):
    said = " What is a cow? [/INST] A cow is an animal."
    assert turn(said, INSTRUCT, special, end) == ("What is a cow?", True)
