import json
import threading
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.models.generation.completions import StoredGenerator
from harness.models.generation.served import ServerGenerator
from harness.models.generation.served_text import ANSWER_END, ServedTokenizer
from harness.models.teachers import ServedSpec, teacher
from harness.protocols import Generator, Independent
from harness.records import Decoding, Message
from harness.servers.chat import ServerError
from harness.storage.store import Store
from tests.servers.loopback import Answer, refused, said, serving

TEXT = ServedTokenizer("a server", None)
USER = Message("user", "Hi")
GREEDY = Decoding(9)
turns = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text())


def generator(server, **changes):
    return ServerGenerator(ServedSpec(server=server.spec(), **changes))


def prompt(text):
    return TEXT.encode_chat([Message("user", text)])


def upper(asked):
    return said(asked.body["messages"][0]["content"].upper())


@given(st.lists(turns), st.text())
def test_a_chat_and_the_beginning_of_its_answer_are_read_back_to_the_letter(messages, begun):
    assert TEXT.split(TEXT.encode_chat(messages) + TEXT.encode(begun)) == (tuple(messages), begun)


@given(st.text())
def test_text_is_read_back_to_the_letter(text):
    assert TEXT.decode((*TEXT.encode(text), ANSWER_END)) == text


def test_what_has_no_chat_in_front_is_no_prompt():
    with pytest.raises(ValueError, match="not in tuple"):
        TEXT.split(TEXT.encode("Hi"))


def test_it_fits_the_seam_and_says_that_its_answers_stand_alone():
    with serving(upper) as server:
        served = generator(server)
    assert isinstance(served, Generator)
    assert isinstance(served, Independent)
    assert served.tokenizer.vocabulary == "characters of text from a server"
    assert "batch_size" not in served.identity


def test_answers_have_the_order_of_their_prompts_and_equal_ones_are_asked_once():
    with serving(upper) as server:
        found = generator(server).generate([prompt("a"), prompt("b"), prompt("a")], GREEDY)
    assert [one.text for one in found] == ["A", "B", "A"]
    assert len(server.asked) == 2
    assert found[0].token_ids == (ord("A"), ANSWER_END)
    assert found[0].finished


def test_an_answer_that_was_cut_does_not_end():
    with serving(lambda asked: said("cut", "length")) as server:
        (found,) = generator(server).generate([prompt("a")], GREEDY)
    assert (found.text, found.finished, found.token_ids) == ("cut", False, TEXT.encode("cut"))


def test_each_sampled_copy_has_a_seed_of_its_own_that_depends_on_no_other_prompt():
    def seeds(names, seed):
        asked = [prompt(name) for name in names]
        with serving(upper) as server:
            generator(server).generate(asked, Decoding(9, 0.5, seed))
        found = {}
        for one in sorted(server.asked, key=lambda one: one.body["seed"]):
            found.setdefault(one.body["messages"][0]["content"], []).append(one.body["seed"])
        return found

    first = seeds("aab", 1)
    assert seeds("baca", 1) | first == seeds("baca", 1)
    assert len({seed for drawn in first.values() for seed in drawn}) == 3
    assert seeds("aab", 2) != first
    assert all(0 <= seed < 2**31 for drawn in first.values() for seed in drawn)


def test_thoughts_are_kept_apart_from_the_answer():
    def answering(asked):
        if asked.body["messages"][0]["content"] == "apart":
            return said("4", reasoning_content="two and two")
        return said("<think>two and two</think>\n\n4")

    with serving(answering) as server:
        apart, inside = generator(server).generate([prompt("apart"), prompt("inside")], GREEDY)
    assert (apart.text, apart.thoughts) == ("4", "two and two")
    assert (inside.text, inside.thoughts) == ("4", "<think>two and two</think>")
    assert apart.token_ids == (*TEXT.encode("two and two4"), ANSWER_END)


def test_progress_is_the_share_of_answers_that_are_there():
    seen = []
    with serving(upper) as server:
        served = ServerGenerator(ServedSpec(server=server.spec()), seen.append)
        served.generate([prompt("a"), prompt("b"), prompt("a")], GREEDY)
    assert seen == [0.5, 1.0]


def test_turns_of_users_and_texts_from_nothing_are_refused():
    with serving(upper) as server:
        served = generator(server)
    for ask in (lambda: served.tokenizer.encode_user_turn([USER]), served.tokenizer.encode_start):
        with pytest.raises(ConfigError, match="a server can write no"):
            ask()


# --- beginnings of answers


def counted(asked, *, closes=0, drops=False, thinks=0, cuts=False):
    """Counts words as a server would, that closes a turn by some marks more."""
    last = asked.body["messages"][-1]
    begun = last["content"] if last["role"] == "assistant" and not drops else ""
    tokens = begun.count("\n\n") * (not cuts) + len(begun.split())
    answer = said("goes on")
    answer.body["usage"]["prompt_tokens"] = 10 + tokens + (closes if begun else thinks)
    return answer


def begun(text="Der Hund"):
    return TEXT.encode_chat([USER]) + TEXT.encode(text)


@pytest.mark.parametrize("how", [{}, {"thinks": 4}], ids=["plain", "of a model that thinks"])
def test_a_server_that_continues_is_asked_once_and_then_used(how):
    with serving(lambda asked: counted(asked, **how)) as server:
        served = generator(server)
        for _ in range(2):
            (found,) = served.generate([begun()], GREEDY)
    assert found.text == "goes on"
    assert len(server.asked) == 5 + 2
    last = server.asked[-1].body
    assert last["messages"][-1] == {"role": "assistant", "content": "Der Hund"}
    assert (last["continue_final_message"], last["add_generation_prompt"]) == (True, False)


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"closes": 1}, r"closes it \(1 tokens more than its words\)"),
        ({"closes": 6, "thinks": 4}, "closes it"),
        ({"drops": True}, "seems to leave it out"),
    ],
)
def test_a_server_that_does_not_continue_is_refused_before_anything_is_asked(how, reason):
    counts = partial(counted, **how)
    with serving(counts) as server, pytest.raises(ConfigError, match=reason) as raised:
        generator(server).generate([begun()], GREEDY)
    assert "tokenizer: FOLDER" in raised.value.hint
    assert "continues: true" in raised.value.hint
    assert len(server.asked) == 5


def test_a_server_that_takes_no_such_field_is_refused():
    def answering(asked):
        if "continue_final_message" in asked.body:
            return refused(422, "Unexpected fields")
        return counted(asked)

    with serving(answering) as server, pytest.raises(ConfigError, match="422: Unexpected fields"):
        generator(server).generate([begun()], GREEDY)


def test_a_server_that_counts_nothing_is_refused():
    bare = Answer(200, {"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}]})
    with serving(lambda asked: bare) as server, pytest.raises(ConfigError, match="cannot be told"):
        generator(server).generate([begun()], GREEDY)


def test_a_server_that_repeats_the_beginning_is_refused():
    def answering(asked):
        answer = counted(asked)
        answer.body["choices"][0]["message"]["content"] = asked.body["messages"][-1]["content"]
        return answer

    with serving(answering) as server, pytest.raises(ConfigError, match="repeats it"):
        generator(server).generate([begun()], GREEDY)


def test_white_space_that_is_cut_matters_where_beginnings_end_in_some():
    with serving(lambda asked: counted(asked, cuts=True)) as server:
        served = generator(server)
        assert served.generate([begun()], GREEDY)[0].text == "goes on"
        with pytest.raises(ConfigError, match="cuts white space off its end"):
            served.generate([begun("Der Hund\n\n")], GREEDY)


def test_who_knows_better_is_believed():
    with serving(lambda asked: counted(asked, closes=5)) as server:
        generator(server, continues=True).generate([begun()], GREEDY)
    assert len(server.asked) == 1


def test_a_tokenizer_renders_chats_here_and_the_answer_is_begun_for_certain(tiny_model_dir, tiny):
    with serving(lambda asked: text_said("goes on")) as server:
        served = generator(server, tokenizer=str(tiny_model_dir))
        found = served.generate([TEXT.encode_chat([USER]), begun()], GREEDY)
    rendered = tiny.tokenizer.render_chat([USER])
    asked = {one.body["prompt"] for one in server.asked}
    assert {one.path for one in server.asked} == {"/v1/completions"}
    assert asked == {rendered, f"{rendered}Der Hund"}
    assert [one.text for one in found] == ["goes on", "goes on"]
    assert served.tokenizer.render_chat([USER]) == rendered


def text_said(text):
    return Answer(200, {"choices": [{"text": text, "finish_reason": "stop"}]})


# --- what it is


def test_identity_is_the_model_and_how_it_is_asked_not_how_often(tiny_model_dir):
    given = {"url": "http://localhost:1/v1", "model": "m"}
    plain = ServerGenerator(ServedSpec(server=given)).identity
    assert plain == {"server": "http://localhost:1/v1", "model": "m", "asked": "chat, 1"}
    often = {**given, "parallel": 2, "timeout_s": 1, "retries": 0, "key_variable": "A_KEY"}
    assert ServerGenerator(ServedSpec(server=often, continues=True)).identity == plain
    text = ServerGenerator(ServedSpec(server=given, tokenizer=str(tiny_model_dir))).identity
    assert text["asked"] == "text, 1"
    assert set(text["tokenizer"]) >= {"tokenizer.json"}


def test_a_folder_without_a_tokenizer_is_named(tmp_path):
    spec = ServedSpec(server={"url": "http://h/v1", "model": "m"}, tokenizer=str(tmp_path))
    with pytest.raises(ConfigError, match="no tokenizer there, allowed"):
        _ = ServerGenerator(spec).identity


def test_settings_without_a_server_are_those_of_a_folder_as_before():
    assert teacher({"path": "a/model"}).plain()["path"] == "a/model"
    settings = {"server": {"url": "http://h/v1", "model": "m"}}
    assert isinstance(teacher(settings), ServedSpec)
    assert teacher(teacher(settings).plain()) == teacher(settings)


def test_a_killed_server_loses_nothing_that_was_answered(tmp_path):
    gate = threading.Semaphore(3)

    def three(asked):
        if gate.acquire(blocking=False):
            return upper(asked)
        return refused(500, "gone")

    prompts = [prompt(letter) for letter in "abcdefgh"]

    def stored(server):
        served = ServerGenerator(ServedSpec(server=server.spec(retries=0)))
        fixed = {"server": "the same"}  # its address changes when it starts again on a free port
        return StoredGenerator(fixed, lambda: served, lambda: served, Store(tmp_path))

    with serving(three) as server, pytest.raises(ServerError, match="500: gone"):
        stored(server).generate(prompts, GREEDY)
    with serving(upper) as again:
        keeper = stored(again)
        found = keeper.generate(prompts, GREEDY)
    assert [one.text for one in found] == list("ABCDEFGH")
    assert len(again.asked) == 5
    assert [one.num_tokens for one in found] == [1] * 8  # the server's words, not our characters
    assert keeper.built[0].facts["tokens"] == 8
    assert keeper.generate(prompts, GREEDY) == found
    kept = [path.read_text() for path in tmp_path.rglob("*.jsonl")]
    assert json.loads(kept[0].splitlines()[0])["text"] == "A"
