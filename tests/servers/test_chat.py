import threading
import time

import pytest

from harness.errors import ConfigError
from harness.records import Message
from harness.servers.chat import ChatRequest, ChatServer, ServerError, TextRequest
from harness.servers.parallel import each
from tests.servers.loopback import Answer, refused, said, serving


def chat(text="hi", **changes):
    return ChatRequest((Message("user", text),), **{"max_tokens": 9} | changes)


def echo(asked):
    return said(asked.body["messages"][-1]["content"])


def fault(answering, *requests, **changes):
    """What asking raises, and how often the server was asked."""
    with serving(answering) as server, pytest.raises(ServerError) as raised:
        ChatServer(server.spec(**changes)).ask(requests or [chat()])
    return raised.value, len(server.asked)


def test_replies_have_the_order_of_their_requests_and_come_as_they_are_made():
    first = threading.Event()

    def answering(asked):
        number = int(asked.body["messages"][0]["content"])
        if number == 0:
            first.wait(10)
        return echo(asked)

    seen = []

    def on_reply(number, reply):
        seen.append((number, reply.text))
        if len(seen) == 19:
            first.set()

    with serving(answering) as server:
        replies = ChatServer(server.spec()).ask([chat(str(n)) for n in range(20)], on_reply)
    assert [reply.text for reply in replies] == [str(n) for n in range(20)]
    assert seen[-1] == (0, "0")
    assert sorted(seen) == [(n, str(n)) for n in range(20)]


def test_as_many_requests_as_allowed_are_under_way_at_once():
    lock, now, most = threading.Lock(), 0, 0

    def answering(asked):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return echo(asked)

    with serving(answering) as server:
        ChatServer(server.spec(parallel=3)).ask([chat(str(n)) for n in range(9)])
    assert most == 3


def test_a_request_says_what_is_wanted_and_nothing_else():
    asks = [
        chat(),
        chat(temperature=0.7, seed=3),
        chat(seed=3),
        chat(temperature=None, seed=3),
        chat(top_logprobs=2),
        chat(prefix="Well, "),
        TextRequest("Once", 5, 0.5, 4),
    ]
    with serving(lambda asked: said("x") if "messages" in asked.body else text_said()) as server:
        ChatServer(server.spec(parallel=1)).ask(asks)
    turns = [{"role": "user", "content": "hi"}]
    common = {"model": "m", "messages": turns, "max_tokens": 9}
    assert [(one.path, one.body) for one in server.asked] == [
        ("/v1/chat/completions", common | {"temperature": 0.0}),
        ("/v1/chat/completions", common | {"temperature": 0.7, "seed": 3}),
        ("/v1/chat/completions", common | {"temperature": 0.0}),
        ("/v1/chat/completions", common),
        (
            "/v1/chat/completions",
            common | {"temperature": 0.0, "logprobs": True, "top_logprobs": 2},
        ),
        (
            "/v1/chat/completions",
            common
            | {
                "messages": [*turns, {"role": "assistant", "content": "Well, "}],
                "temperature": 0.0,
                "continue_final_message": True,
                "add_generation_prompt": False,
            },
        ),
        (
            "/v1/completions",
            {"model": "m", "prompt": "Once", "max_tokens": 5, "temperature": 0.5, "seed": 4},
        ),
    ]


def text_said():
    return Answer(200, {"choices": [{"text": " upon a time", "finish_reason": "length"}]})


def test_a_reply_has_all_that_the_server_said():
    answer = said("4", reasoning_content="two and two")
    alternatives = [{"token": "4", "logprob": -0.5}, {"token": "5", "logprob": -1.0}]
    logprobs = {"content": [{"token": "4", "logprob": -0.5, "top_logprobs": alternatives}]}
    answer.body["choices"][0]["logprobs"] = logprobs
    with serving(lambda asked: answer) as server:
        (reply,) = ChatServer(server.spec()).ask([chat(top_logprobs=2)])
    assert (reply.text, reply.thoughts, reply.finished) == ("4", "two and two", True)
    assert (reply.num_tokens, reply.prompt_tokens, reply.model) == (1, 7, "served")
    assert reply.top_logprobs == ({"4": -0.5, "5": -1.0},)


def test_what_a_server_leaves_out_is_not_known():
    bare = Answer(200, {"choices": [{"message": {"content": None}, "finish_reason": "length"}]})
    with serving(lambda asked: bare) as server:
        (reply,) = ChatServer(server.spec()).ask([chat(top_logprobs=2)])
    assert (reply.text, reply.thoughts, reply.finished) == ("", "", False)
    assert (reply.num_tokens, reply.prompt_tokens, reply.model) == (None, None, "m")
    assert reply.top_logprobs is None


def test_half_a_pair_is_replaced_and_a_whole_one_stays():
    half = chr(0xD83D)
    answer = said(f"\N{GRINNING FACE}{half}", reasoning_content=f"hm{half}")
    token = {"token": half, "logprob": -0.5}
    answer.body["choices"][0]["logprobs"] = {"content": [token | {"top_logprobs": [token]}]}
    answer.body["model"] = f"m{half}"
    with serving(lambda asked: answer) as server:
        (reply,) = ChatServer(server.spec()).ask([chat(top_logprobs=1)])
    assert (reply.text, reply.thoughts) == ("\N{GRINNING FACE}\ufffd", "hm\ufffd")
    assert (reply.model, reply.top_logprobs) == ("m\ufffd", ({"\ufffd": -0.5},))


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_what_a_filter_cut_is_told_from_what_the_limit_cut(reason):
    with serving(lambda asked: said("x", finish=reason)) as server:
        (reply,) = ChatServer(server.spec()).ask([chat()])
    assert (reply.finished, reply.filtered) == (reason == "stop", reason == "content_filter")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
def test_what_may_pass_is_tried_again(status):
    answers = iter([refused(status, "busy"), refused(status, "busy"), said("done")])
    with serving(lambda asked: next(answers)) as server:
        (reply,) = ChatServer(server.spec()).ask([chat()])
    assert (reply.text, len(server.asked)) == ("done", 3)


@pytest.mark.parametrize(
    ("status", "tries", "mend"),
    [
        (400, 1, "does not take what was asked"),
        (401, 1, "key_variable: OPENAI_API_KEY"),
        (403, 1, "key_variable: OPENAI_API_KEY"),
        (404, 1, "/models lists its models"),
        (429, 3, "a smaller `parallel` (now 4)"),
        (500, 3, "the server's own log"),
    ],
)
def test_an_error_names_the_server_the_model_the_status_and_the_mend(status, tries, mend):
    error, asked = fault(lambda asked: refused(status, "its own words"))
    assert asked == tries
    assert error.status == status
    assert error.message.startswith("http://127.0.0.1:")
    assert f"/v1: model m: status {status}: its own words" in error.message
    assert mend in error.hint


def test_a_server_that_is_away_is_named_with_what_to_do():
    with serving(echo) as server:
        spec = server.spec(retries=1)
    with pytest.raises(ServerError, match=r"no answer after 2 attempts: .*refused") as raised:
        ChatServer(spec).ask([chat()])
    assert spec.url in raised.value.message
    assert "is the server running" in raised.value.hint


def test_a_server_that_says_nothing_in_time_is_named():
    release = threading.Event()

    def answering(asked):
        release.wait(10)
        return echo(asked)

    with serving(answering) as server:
        with pytest.raises(ServerError, match=r"no answer in 0\.2 seconds"):
            ChatServer(server.spec(timeout_s=0.2, retries=0)).ask([chat()])
        release.set()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, "<html>a page</html>"),
        Answer(200, {"object": "list"}),
        Answer(200, {"choices": []}),
        Answer(200, {"choices": [{"message": None}]}),
        Answer(200, {"choices": [{"message": {"content": [{"type": "text", "text": "x"}]}}]}),
        Answer(200, {"choices": [{"message": {"content": []}}]}),
        Answer(200, {"choices": [{"text": 5}]}),
        Answer(200, "not json", {"Content-Type": "application/json"}),
    ],
    ids=["page", "other", "empty", "null", "parts", "no parts", "number", "broken"],
)
def test_what_is_no_completion_is_said_so(answer):
    error, _ = fault(lambda asked: answer)
    assert "something that is no chat completion" in error.message
    assert "/v1" in error.hint


def test_what_was_under_way_when_one_fails_is_handed_over_and_nothing_new_is_begun():
    slow = threading.Event()

    def answering(asked):
        if asked.body["messages"][0]["content"] == "bad":
            return refused(400, "no")
        slow.wait(0.3)
        return echo(asked)

    seen = []
    asks = [chat("good"), chat("bad"), *(chat("late") for _ in range(9))]
    with serving(answering) as server, pytest.raises(ServerError, match="status 400"):
        ChatServer(server.spec(parallel=2)).ask(asks, lambda number, _: seen.append(number))
    assert seen == [0]
    assert len(server.asked) == 2


def test_a_model_with_the_newer_name_of_the_limit_gets_that():
    def answering(asked):
        if "max_tokens" in asked.body:
            return refused(400, "Unsupported parameter: use 'max_completion_tokens' instead")
        return said("fine")

    with serving(answering) as server:
        replies = ChatServer(server.spec(parallel=1)).ask([chat(), chat()])
    assert [reply.text for reply in replies] == ["fine", "fine"]
    limits = [one.body.get("max_completion_tokens") for one in server.asked]
    assert limits == [None, 9, 9]


def test_who_interrupts_waits_for_nobody_and_nothing_new_is_begun():
    held = threading.Event()

    def answering(asked):
        if asked.body["messages"][0]["content"] != "0":
            held.wait(10)
        return echo(asked)

    def interrupt(number, reply):
        raise KeyboardInterrupt

    asks = [chat(str(number)) for number in range(20)]
    with serving(answering) as server:
        begun = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            ChatServer(server.spec(parallel=2)).ask(asks, interrupt)
        assert time.monotonic() - begun < 5
        held.set()
        time.sleep(0.3)
    assert len(server.asked) <= 3


def test_an_error_of_ours_in_a_thread_is_raised_in_the_one_that_asked():
    def broken(item):
        raise ValueError(item)

    ((number, outcome),) = each(broken, ["a"], 3)
    assert (number, repr(outcome)) == (0, "ValueError('a')")


def test_nothing_asked_is_nothing_answered():
    assert ChatServer(serving_nowhere()).ask([]) == []


def serving_nowhere():
    with serving(echo) as server:
        return server.spec()


def test_a_key_that_is_not_there_is_told_by_its_variable(monkeypatch):
    spec = serving_nowhere().replace(key_variable="A_TEST_KEY")
    for value in (None, "", "  "):
        monkeypatch.delenv("A_TEST_KEY", raising=False)
        if value is not None:
            monkeypatch.setenv("A_TEST_KEY", value)
        with pytest.raises(ConfigError, match=r"A_TEST_KEY, .* is not set") as raised:
            ChatServer(spec)
        assert "export A_TEST_KEY=" in raised.value.hint
