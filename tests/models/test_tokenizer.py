from pathlib import Path

import pytest

from harness.models.spec import ModelSpec
from harness.models.tokenizer import ChatTokenizer, load_tokenizer
from harness.protocols import Generator
from harness.records import Message
from tests.fakes import ScriptedGenerator
from tests.toys.tiny import tiny_tokenizer

INSTRUCT = (
    "{{ bos_token or '' }}{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'] + '</s>' }}{% endif %}{% endfor %}"
)
CHAT = (Message("user", "Hello."), Message("assistant", "Hi."))


def made(template=None, **special):
    tokenizer = tiny_tokenizer()
    if template is not None:
        tokenizer.chat_template = template
    for name, token in special.items():
        setattr(tokenizer, name, token)
    return ChatTokenizer(tokenizer)


@pytest.mark.parametrize(
    ("messages", "lead"), [((), ""), (CHAT, "<|user|>Hello.<|end|><|assistant|>Hi.<|end|>")]
)
def test_an_open_user_turn_ends_where_the_users_words_begin(messages, lead):
    tokenizer = made()
    ids = tokenizer.encode_user_turn(messages)
    assert ids == tokenizer.encode(f"{lead}<|user|>")
    assert ids[-1] == tokenizer.tokenizer.convert_tokens_to_ids("<|user|>")


def test_an_open_user_turn_begins_a_request_for_an_answer():
    tokenizer = made()
    opened = tokenizer.encode_user_turn(CHAT)
    assert tokenizer.encode_chat((*CHAT, Message("user", "Why?")))[: len(opened)] == opened


def test_the_blank_before_the_users_words_is_left_to_the_first_of_them():
    tokenizer = made(INSTRUCT)
    assert tokenizer.encode_user_turn(CHAT) == tokenizer.encode(
        "[INST] Hello. [/INST] Hi.</s>[INST]"
    )


def test_a_text_begins_with_its_token_or_with_the_one_that_ends_texts():
    assert made().encode_start() == made().encode("<|end|>")
    assert made(bos_token="<|system|>").encode_start() == made().encode("<|system|>")


def test_the_vocabulary_is_the_same_exactly_where_token_ids_mean_the_same(tiny_model_dir: Path):
    stored = load_tokenizer(ModelSpec(path=str(tiny_model_dir)))
    assert stored.vocabulary == made(INSTRUCT).vocabulary
    wider = tiny_tokenizer()
    wider.add_tokens(["der"])
    assert ChatTokenizer(wider).vocabulary != stored.vocabulary


def test_the_scripted_generator_is_one():
    assert isinstance(ScriptedGenerator(lambda prompt: ""), Generator)
