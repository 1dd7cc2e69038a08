"""The check on begun answers, against real chat templates of four families and their tokens."""

from functools import partial

import pytest

from harness.errors import ConfigError
from harness.models.tokenizer import ChatTokenizer
from harness.records import Message
from harness.servers.chat import ChatServer
from harness.servers.continuing import check_continues
from tests.servers.loopback import said, serving
from tests.toys.families import FAMILIES, toy_tokenizer


def counting(tokenizer, asked, *, continues):
    """A server that goes on where it is asked to (vLLM), always (llama.cpp), or never."""
    turns = asked.body["messages"]
    wanted = asked.body.get("continue_final_message", False)
    begun = turns[-1]["role"] == "assistant"
    goes_on = {"asked": wanted, "always": begun, "never": False}[continues]
    ids = tokenizer.apply_chat_template(
        turns, add_generation_prompt=not goes_on, continue_final_message=goes_on
    )["input_ids"]
    answer = said("nine")
    answer.body["usage"]["prompt_tokens"] = len(ids)
    return answer


@pytest.mark.parametrize("name", FAMILIES)
def test_servers_that_go_on_are_told_from_those_that_close_the_turn(name):
    tokenizer = toy_tokenizer(name)
    with serving(partial(counting, tokenizer, continues="asked")) as server:
        check_continues(ChatServer(server.spec()), blanks=False)
    closing = partial(counting, tokenizer, continues="never")
    with serving(closing) as server, pytest.raises(ConfigError, match="closes it"):
        check_continues(ChatServer(server.spec()), blanks=False)


@pytest.mark.parametrize("name", sorted(set(FAMILIES) - {"qwen2", "qwen3"}))
def test_servers_that_always_go_on_are_told_too(name):
    """Qwen's template puts thoughts before the begun answer: there `continues: true` is said."""
    going_on = partial(counting, toy_tokenizer(name), continues="always")
    with serving(going_on) as server:
        check_continues(ChatServer(server.spec()), blanks=False)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_chat_sent_as_plain_text_is_read_as_the_model_reads_it(name):
    tokenizer = ChatTokenizer(toy_tokenizer(name))
    chat = (Message("user", "The dog."),)
    text = tokenizer.render_plain(chat)
    assert tuple(tokenizer.tokenizer(text)["input_ids"]) == tokenizer.encode_chat(chat)
