"""Against ``transformers serve`` on the pocket model, a process of its own."""

import json
from pathlib import Path

import pytest
import yaml

import harness
from harness.errors import ConfigError, EvaluationError
from harness.models.generation.completions import StoredGenerator
from harness.models.generation.served import ServerGenerator
from harness.models.teachers import ServedSpec
from harness.records import Decoding, Message
from harness.storage.store import Store
from harness.trial.run import run_trial
from tests.projects import write_project
from tests.servers.real import transformers_serve

pytestmark = pytest.mark.slow

FILES = Path(harness.__file__).parent / "pocket" / "files"
BASE = FILES / "base"
DECODING = Decoding(40)
KEY = "sk-proj-0123456789abcdefABCDEF"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with transformers_serve(BASE, tmp_path_factory.mktemp("served") / "log") as served:
        yield served


@pytest.fixture(scope="module")
def pocket():
    from harness.models.generation.generate import HuggingFaceGenerator
    from harness.models.load import load_chat_model
    from harness.models.spec import ModelSpec

    return HuggingFaceGenerator(load_chat_model(ModelSpec(path=str(BASE), device="cpu")), 8)


@pytest.fixture(scope="module")
def chats():
    """Twelve instructions and twelve requests for a translation."""
    lines = (FILES / "corpus" / "instructions.jsonl").read_text().splitlines()[:12]
    asked = [json.loads(line)["messages"][0]["content"] for line in lines]
    pairs = (FILES / "corpus" / "train.jsonl").read_text().splitlines()[:12]
    sources = [json.loads(line)["source"] for line in pairs]
    asked += [f"Translate from English to German: {source}" for source in sources]
    return [(Message("user", text),) for text in asked]


def texts(generations):
    return [one.text for one in generations]


def finished(generations, mine):
    """Of answers below the limit: at it, this server calls an answer cut that ends there."""
    pairs = zip(generations, mine, strict=True)
    return [one.finished for one, own in pairs if len(own.token_ids) < DECODING.max_new_tokens]


@pytest.mark.parametrize("tokenizer", [None, str(BASE)], ids=["turns", "plain text"])
def test_greedy_answers_are_those_of_the_model_itself(server, pocket, chats, tokenizer):
    served = ServerGenerator(ServedSpec(server=server.settings, tokenizer=tokenizer))
    mine = pocket.generate([pocket.tokenizer.encode_chat(chat) for chat in chats], DECODING)
    theirs = served.generate([served.tokenizer.encode_chat(chat) for chat in chats], DECODING)
    assert texts(theirs) == texts(mine)
    assert finished(theirs, mine) == finished(mine, mine)
    assert len(set(texts(theirs))) > 12


def test_answers_that_were_begun_go_on_as_those_of_the_model_itself(server, pocket, chats):
    served = ServerGenerator(ServedSpec(server=server.settings, tokenizer=str(BASE)))

    def begun(generator):
        starts = [generator.tokenizer.encode_answer("Der Hund schläft.") for _ in chats]
        return [
            generator.tokenizer.encode_chat(chat) + start
            for chat, start in zip(chats, starts, strict=True)
        ]

    mine = pocket.generate(begun(pocket), DECODING)
    theirs = served.generate(begun(served), DECODING)
    assert texts(theirs) == texts(mine)
    assert finished(theirs, mine) == finished(mine, mine)
    assert any(one.text for one in mine)


def test_turns_of_a_server_that_takes_no_begun_answer_are_refused_with_the_mend(server, chats):
    served = ServerGenerator(ServedSpec(server=server.settings))
    prompt = served.tokenizer.encode_chat(chats[0]) + served.tokenizer.encode_answer("Der Hund")
    with pytest.raises(ConfigError, match="422: Unexpected fields") as raised:
        served.generate([prompt], DECODING)
    assert "tokenizer: FOLDER" in raised.value.hint


def test_a_model_it_does_not_have_is_told_in_its_own_words(server, chats):
    served = ServerGenerator(ServedSpec(server={**server.settings, "model": "another"}))
    with pytest.raises(EvaluationError, match="model another: status 400: Server is pinned to"):
        served.generate([served.tokenizer.encode_chat(chats[0])], DECODING)


def test_a_killed_server_is_told_and_what_it_answered_is_not_asked_again(tmp_path, chats):
    answered = []

    def stored(server, on_progress=None):
        settings = {**server.settings, "parallel": 1}
        served = ServerGenerator(ServedSpec(server=settings), on_progress)
        store = Store(tmp_path / "store")
        return StoredGenerator(served.identity, lambda: served.tokenizer, lambda: served, store)

    def ask(generator):
        return generator.generate(
            [generator.tokenizer.encode_chat(chat) for chat in chats], DECODING
        )

    with transformers_serve(BASE, tmp_path / "first") as first:

        def on_progress(share):
            answered.append(share)
            if len(answered) == 6:
                first.kill()

        with pytest.raises(EvaluationError, match="no answer after 2 attempts") as raised:
            ask(stored(first, on_progress))
    assert first.url in raised.value.message
    assert "is the server running" in raised.value.hint
    assert len(answered) == 6

    with transformers_serve(BASE, tmp_path / "second", first.port) as second:
        found = ask(stored(second))
        assert second.asked() == len(chats) - 6
        assert ask(stored(second)) == found
        assert second.asked() == len(chats) - 6


@pytest.mark.parametrize("name", ["seqkd", "radis"])
def test_a_trial_with_a_teacher_behind_a_server_equals_one_with_its_folder(
    server, tmp_path, tiny_model_dir, name
):
    """Seconds: the tiny model learns from the pocket model."""
    limit = {"seqkd": "max_new_tokens", "radis": "max_rationale_tokens"}[name]
    teachers = {
        "folder": {"path": str(BASE), "device": "cpu"},
        "server": {"server": server.settings, "tokenizer": str(BASE)},
    }
    facts, scores = {}, {}
    for kind, teacher in teachers.items():
        variant = {"name": name, "teacher": teacher, limit: 24}
        config = write_project(tmp_path, tiny_model_dir, variant=variant)
        result = run_trial(config, home=tmp_path / kind)
        facts[kind] = {key: fact for key, fact in result.facts.items() if key.startswith("data/")}
        scores[kind] = result.scores
    assert facts["server"] == facts["folder"]
    assert scores["server"] == scores["folder"]
    assert facts["server"]["data/fallback_fraction"] < 1


def test_a_run_of_the_command_line_writes_the_key_nowhere(
    server, tracked_folder, tiny_model_dir, monkeypatch
):
    from click.testing import CliRunner

    from harness.cli.main import main

    monkeypatch.setenv("A_TEACHERS_KEY", KEY)
    settings = {**server.settings, "key_variable": "A_TEACHERS_KEY"}
    variant = {"name": "seqkd", "teacher": {"server": settings}, "max_new_tokens": 24}
    config = write_project(tracked_folder, tiny_model_dir, variant=variant)
    (tracked_folder / "trial.yaml").write_text(yaml.safe_dump(config.plain()))
    shown = CliRunner().invoke(main, ["run", "trial.yaml", "-vv", "--output", "results.json"])
    assert shown.exit_code == 0, shown.stderr
    written = [path for path in tracked_folder.rglob("*") if path.is_file()]
    assert {"mlflow.db", "results.json", "completions.jsonl"} <= {path.name for path in written}
    holding = [path for path in written if KEY.encode() in path.read_bytes()]
    assert holding == []
    assert KEY not in shown.output
    named = [path for path in written if b"A_TEACHERS_KEY" in path.read_bytes()]
    assert "results.json" in {path.name for path in named}

    monkeypatch.delenv("A_TEACHERS_KEY")
    missing = CliRunner().invoke(main, ["run", "trial.yaml", "--set", "seed=2"])
    assert missing.exit_code == 2
    assert "seqkd.teacher: " in missing.stderr
    assert "A_TEACHERS_KEY, which is to hold the server's API key, is not set" in missing.stderr
