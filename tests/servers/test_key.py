import gc
import io
import logging
import os
import pickle
import subprocess
import sys
import traceback
from urllib.parse import quote

import pytest

from harness.errors import ConfigError
from harness.records import Message
from harness.servers.chat import ChatRequest, ChatServer, ServerError
from harness.servers.key import Key, read_key
from tests.servers.loopback import Answer, refused, said, serving

KEY = "sk-proj-0123456789/abc+DEF=="
ASK = [ChatRequest((Message("user", "hi"),), 9)]


@pytest.fixture
def log():
    """All that any library logs, down to the least."""
    kept, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(kept), root.level
    names = ("openai", "httpx2", "httpcore2", "harness")
    levels = {name: logging.getLogger(name).level for name in names}
    root.addHandler(handler)
    for name in (None, *names):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield kept
    root.removeHandler(handler)
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


@pytest.fixture
def server_of(monkeypatch):
    monkeypatch.setenv("A_TEST_KEY", KEY)
    return lambda server: ChatServer(server.spec(key_variable="A_TEST_KEY", retries=1))


def hides(text):
    return KEY not in text and quote(KEY, safe="") not in text and KEY[:12] not in text


def test_the_key_goes_to_its_server_and_nowhere_else(log, server_of):
    with serving(lambda asked: said("fine")) as server:
        asker = server_of(server)
        replies = asker.ask(ASK)
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert "POST" in log.getvalue()
    for text in (log.getvalue(), repr(replies), repr(asker), repr(asker.spec), str(vars(asker))):
        assert hides(text)
    assert hides(str(asker.spec.plain()) + str(asker.spec.identity) + asker.spec.fingerprint())


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_a_server_that_repeats_the_key_in_an_error_does_not_spread_it(log, server_of, status):
    def answering(asked):
        authorization = asked.headers["authorization"]
        words = f"Incorrect: {authorization} {quote(KEY, safe='')}"
        return refused(status, words, **{"x-note": "none"})

    with serving(answering) as server, pytest.raises(ServerError) as raised:
        server_of(server).ask(ASK)
    error = raised.value
    assert "Incorrect: Bearer [key] [key]" in error.message
    told = [str(error), repr(error), *traceback.format_exception(error), log.getvalue()]
    assert hides("\n".join(told))
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_page_that_repeats_the_key_does_not_spread_it(log, server_of):
    answer = Answer(200, f"<html>{KEY}</html>")
    with serving(lambda asked: answer) as server, pytest.raises(ServerError) as raised:
        server_of(server).ask(ASK)
    assert hides(str(raised.value) + log.getvalue())


def test_an_answer_that_repeats_the_key_does_not_carry_it_into_a_cache(server_of):
    answer = said(f"It is {KEY}.", reasoning_content=f"Say {KEY}?")
    with serving(lambda asked: answer) as server:
        (reply,) = server_of(server).ask(ASK)
    assert (reply.text, reply.thoughts) == ("It is [key].", "Say [key]?")


def test_a_word_that_stands_for_no_key_stays_in_answers(monkeypatch):
    monkeypatch.setenv("A_TEST_KEY", "none")
    with serving(lambda asked: said("none of them")) as server:
        (reply,) = ChatServer(server.spec(key_variable="A_TEST_KEY")).ask(ASK)
    assert reply.text == "none of them"


def test_a_key_is_neither_printed_nor_pickled():
    key = Key(KEY)
    assert hides(repr(key) + str(key) + f"{key}")
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(key)


@pytest.mark.parametrize("value", [f"{KEY}\nX-Header: 1", f"{KEY} two", f"{KEY}ü", f"{KEY}\x07"])
def test_what_cannot_be_a_key_is_refused_unseen(monkeypatch, value):
    with serving(said) as server:
        spec = server.spec(key_variable="A_TEST_KEY")
    monkeypatch.setenv("A_TEST_KEY", value)
    with pytest.raises(ConfigError, match="A_TEST_KEY holds blanks") as raised:
        read_key(spec)
    assert hides(str(raised.value))


def test_white_space_around_a_key_is_left_out(monkeypatch):
    monkeypatch.setenv("A_TEST_KEY", f" {KEY}\n")
    with serving(lambda asked: said("x")) as server:
        ChatServer(server.spec(key_variable="A_TEST_KEY")).ask(ASK)
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_nothing_of_the_environment_reaches_a_server(monkeypatch):
    with serving(lambda asked: said("other")) as other, serving(lambda asked: said("x")) as server:
        for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
            monkeypatch.setenv(name, KEY)
        monkeypatch.setenv("OPENAI_BASE_URL", other.url)
        monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {KEY}\nX-Key: {KEY}")
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, other.url.removesuffix("/v1"))
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        (reply,) = ChatServer(server.spec()).ask(ASK)
    assert (reply.text, other.asked) == ("x", [])
    (asked,) = server.asked
    assert hides(str(asked.headers))
    assert set(asked.headers) == {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "content-type",
        "content-length",
        "user-agent",
    }
    assert asked.headers["user-agent"] == "mt-tuning-harness"


def test_a_password_of_netrc_is_not_sent(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {KEY[:8]}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with serving(lambda asked: said("x")) as server:
        ChatServer(server.spec()).ask(ASK)
    assert "authorization" not in server.asked[0].headers


def test_the_key_follows_no_redirect(server_of):
    with serving(lambda asked: said("x")) as elsewhere:
        moved = Answer(307, {}, {"Location": f"{elsewhere.url}/chat/completions"})
        with serving(lambda asked: moved) as server, pytest.raises(ServerError, match="307"):
            server_of(server).ask(ASK)
    assert elsewhere.asked == []


@pytest.mark.slow
def test_the_librarys_own_switch_for_logs_shows_no_key(tmp_path):
    code = """
import sys
from harness.records import Message
from harness.servers.chat import ChatRequest, ChatServer, ServerError
from harness.servers.spec import ServerSpec
spec = ServerSpec(url=sys.argv[1], model="m", key_variable="A_TEST_KEY", retries=0)
try:
    ChatServer(spec).ask([ChatRequest((Message("user", "hi"),), 9)])
except ServerError as error:
    print(error)
"""
    environment = os.environ | {"OPENAI_LOG": "debug", "A_TEST_KEY": KEY}
    answer = refused(401, f"wrong: {KEY}")
    with serving(lambda asked: answer) as server:
        done = subprocess.run(
            [sys.executable, "-c", code, server.url],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
    assert "wrong: [key]" in done.stdout
    assert "set a valid one" in done.stdout
    assert "DEBUG" in done.stderr
    assert hides(done.stdout + done.stderr)


def test_what_is_left_of_a_failed_request_holds_no_request(server_of):
    with serving(lambda asked: refused(401, "no")) as server, pytest.raises(ServerError) as raised:
        server_of(server).ask(ASK)
    held = gc.get_referents(raised.value)
    assert hides(repr(held))
