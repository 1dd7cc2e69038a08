import fcntl
import json
import os
import time
from unittest.mock import ANY

import pytest

from harness.storage.journal import Journal
from harness.storage.store import MANIFEST, Stage, Store


@pytest.fixture
def store(tmp_path) -> Store:
    """Two stages, one of them made by another torch, and the draft of a killed build."""
    store = Store(tmp_path / ".harness/store")
    for name in ("corpus", "predictions"):
        store.build(Stage(name, 1, {"of": name}), lambda folder: _fill(folder))
    manifest = store.path(Stage("predictions", 1, {"of": "predictions"})) / MANIFEST
    record = json.loads(manifest.read_text())
    record["versions"]["torch"] = "1.0"
    manifest.write_text(json.dumps(record))
    draft = store.root / "adapter" / ".0123456789.draft"
    draft.mkdir(parents=True)
    _fill(draft)
    return store


def _fill(folder) -> None:
    (folder / "data").write_bytes(b"x" * 1000)


def stages(store: Store) -> list[str]:
    return [entry.stage for entry in store.entries()]


def test_without_a_condition_it_shows_and_removes_nothing(harness, store):
    shown = harness("clean", "--json").document
    assert [(row["stage"], row["folders"], row["outdated"]) for row in shown["stages"]] == [
        ("corpus", 1, 0),
        ("predictions", 1, 1),
    ]
    assert [row["stage"] for row in shown["removable"]] == ["adapter"]
    assert shown["removed"] is None
    assert store.drafts()
    assert "draft of a build that was killed" in harness("clean").out


def test_outdated_stages_and_drafts_go(harness, store):
    shown = harness("clean", "--outdated", "--yes")
    assert shown.code == 0
    assert "made with torch 1.0" in shown.out
    assert stages(store) == ["corpus"]
    assert not store.drafts()


def test_conditions_must_all_hold(harness, store):
    harness("clean", "--stage", "corpus", "--older-than", "1", "--yes")
    assert stages(store) == ["corpus", "predictions"]
    harness("clean", "--stage", "corpus", "--older-than", "0", "--yes")
    assert stages(store) == ["predictions"]


def test_a_dry_run_removes_nothing(harness, store):
    shown = harness("clean", "--older-than", "0", "--dry-run", "--yes", "--json").document
    assert len(shown["removable"]) == 3
    assert shown["removed"] is None
    assert len(stages(store)) == 2


def test_with_nobody_to_ask_it_removes_nothing_and_exits_with_2(harness, store):
    shown = harness("clean", "--outdated")
    assert shown.code == 2
    assert "--yes" in shown.err
    assert len(stages(store)) == 2


def test_what_a_live_process_builds_is_left(harness, store):
    lock = store.root / "adapter" / ".0123456789.lock"
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert harness("clean", "--yes", "--json").document["removable"] == []
    assert store.drafts()


def test_nothing_goes_while_a_run_reads_the_store(harness, store):
    with store.shared_lock():
        shown = harness("clean", "--outdated", "--yes")
    assert shown.code == 2
    assert "at work here" in shown.err
    assert len(stages(store)) == 2


@pytest.fixture
def half_done(store: Store) -> list[str]:
    """Names of the folders of a list half answered and of a training half done, ten days old."""
    answers = store.unfinished(Stage("completions", 1, {}))
    Journal(answers, {"of": "a server"}).put({"question": "paid"})
    training = store.unfinished(Stage("adapter", 1, {}))
    training.mkdir()
    _fill(training)
    long_ago = time.time() - 10 * 86400
    for folder in (answers, training):
        for file in folder.iterdir():
            os.utime(file, (long_ago, long_ago))
    return sorted([answers.name, training.name])


def unfinished(store: Store) -> list[str]:
    return sorted(path.name for path in store.drafts() if path.suffix == ".checkpoint")


@pytest.mark.parametrize(
    "condition",
    [(), ("--outdated",), ("--older-than", "11"), ("--stage", "predictions")],
    ids=lambda condition: " ".join(condition) or "none",
)
def test_what_a_run_goes_on_from_is_named_and_left_where_it_is_not_meant(
    harness, store, half_done, condition
):
    shown = harness("clean", *condition, "--yes")
    assert "answers kept so far" in shown.out
    assert "training half done" in shown.out
    assert unfinished(store) == half_done
    assert harness("clean", *condition, "--json").document["kept"] == [
        {"stage": "adapter", "path": ANY, "bytes": 1000, "reason": "training half done"},
        {"stage": "completions", "path": ANY, "bytes": ANY, "reason": ANY},
    ]


@pytest.mark.parametrize("condition", [("--older-than", "9"), ("--stage", "completions")])
def test_what_a_run_goes_on_from_goes_where_it_is_meant(harness, store, half_done, condition):
    shown = harness("clean", *condition, "--dry-run")
    assert "answers kept so far" in shown.out
    assert unfinished(store) == half_done
    harness("clean", *condition, "--yes")
    assert len(unfinished(store)) == (0 if "--older-than" in condition else 1)


def test_an_unknown_stage_names_the_known_ones(harness, store):
    shown = harness("clean", "--stage", "predictons", "--yes")
    assert shown.code == 2
    assert "did you mean 'predictions'?" in shown.err
    assert len(stages(store)) == 2


def test_an_empty_home_is_no_error_and_is_not_made(harness, tmp_path):
    assert harness("clean").code == 0
    assert not (tmp_path / ".harness").exists()
