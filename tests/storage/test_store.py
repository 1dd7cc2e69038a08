import json
import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from harness.storage import store as store_module
from harness.storage.store import MANIFEST, Stage, Store

STAGE = Stage("examples", 1, {"corpus": "abc", "weight": None})


def slow_build(root: str, log: str, seconds: float) -> None:
    def make(folder: Path) -> None:
        (folder / "data.txt").write_text("x")
        with open(log, "a") as file:
            file.write("made\n")
        time.sleep(seconds)

    Store(Path(root)).build(STAGE, make)


def start(*args: object) -> multiprocessing.Process:
    process = multiprocessing.get_context("spawn").Process(target=slow_build, args=args)
    process.start()
    return process


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 20
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)


def test_a_stage_is_made_once_and_found_again(tmp_path):
    calls = []

    def make(folder: Path) -> dict[str, int]:
        calls.append(folder)
        (folder / "data.txt").write_text("x")
        return {"rows": 3}

    store = Store(tmp_path)
    first, second = store.build(STAGE, make), store.build(STAGE, make)
    assert len(calls) == 1
    assert (first.reused, second.reused) == (False, True)
    assert second.facts == {"rows": 3}
    assert (second.path / "data.txt").read_text() == "x"


def test_the_key_follows_identity_and_version_and_nothing_else():
    same = Stage("examples", 1, {"weight": None, "corpus": "abc"})
    assert same.key == STAGE.key
    assert Stage("examples", 2, STAGE.identity).key != STAGE.key
    assert Stage("examples", 1, {"corpus": "abd", "weight": None}).key != STAGE.key


def test_a_builder_that_raises_leaves_nothing(tmp_path):
    def make(folder: Path) -> None:
        (folder / "half.txt").write_text("x")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        Store(tmp_path).build(STAGE, make)
    assert Store(tmp_path).find(STAGE) is None
    assert list(Store(tmp_path).drafts()) == []


def test_two_processes_make_a_stage_once(tmp_path):
    log = tmp_path / "log"
    processes = [start(str(tmp_path / "store"), str(log), 0.5) for _ in range(2)]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    assert log.read_text() == "made\n"


def test_a_builder_killed_half_way_is_replaced_by_the_next(tmp_path):
    root, log = tmp_path / "store", tmp_path / "log"
    killed = start(str(root), str(log), 60.0)
    wait_for(log)
    os.kill(killed.pid or 0, signal.SIGKILL)
    killed.join()
    store = Store(root)
    assert store.find(STAGE) is None
    assert [path.name for path in store.drafts()] == [f".{STAGE.key}.draft"]
    built = store.build(STAGE, lambda folder: {"rows": 1})
    assert not built.reused
    assert store.drafts() == []


def test_other_library_versions_warn_and_name_the_command(tmp_path, monkeypatch, caplog):
    store = Store(tmp_path)
    built = store.build(STAGE, lambda folder: None)
    manifest = built.path / MANIFEST
    record = json.loads(manifest.read_text())
    record["versions"]["python"] = "2.7.18"
    manifest.write_text(json.dumps(record))
    monkeypatch.setattr(store_module, "_warned", set())
    assert store.find(STAGE) is not None
    assert "python 2.7.18 -> " in caplog.text
    assert "harness clean --stage examples --outdated" in caplog.text


def test_stages_made_together_are_made_in_one_go_without_those_already_there(tmp_path):
    store = Store(tmp_path)
    stages = [Stage("predictions", 1, {"benchmark": name}) for name in "abc"]
    store.build(stages[1], lambda folder: {"rows": 1})
    asked: list[set[str]] = []

    def make(folders):
        asked.append(set(folders))
        return [{"rows": 2} for _ in folders]

    built = store.build_together(stages, make)
    assert asked == [{stages[0].key, stages[2].key}]
    assert [stage.facts for stage in built] == [{"rows": 2}, {"rows": 1}, {"rows": 2}]
    assert [stage.reused for stage in store.build_together(stages, make)] == [True] * 3
    assert len(asked) == 1
