"""One file, one folder: whole or as it was, whatever happens on the way."""

import errno
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from harness.cli.failures import MENDABLE
from harness.storage.files import publish_folder, publish_once, write_whole

WRITE_AND_WAIT = """
import sys, time
from pathlib import Path
from harness.storage.files import write_whole

def write(file):
    file.write(b"half")
    print("begun", flush=True)
    time.sleep(60)

write_whole(Path(sys.argv[1]), write)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_text_bytes_and_what_a_function_writes_are_written(tmp_path):
    path = tmp_path / "deep" / "er" / "file"
    for content in ("Grüße", "Grüße".encode(), lambda file: file.write("Grüße".encode())):
        path.unlink(missing_ok=True)
        write_whole(path, content)
        assert path.read_text(encoding="utf-8") == "Grüße"
    assert names(path.parent) == ["file"]


def test_a_failure_half_way_leaves_the_old_file_whole_and_no_draft(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "old")
    with pytest.raises(ZeroDivisionError):
        write_whole(path, lambda file: (file.write(b"half of the new"), 1 / 0))
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_writer_killed_half_way_leaves_the_old_file_and_the_next_removes_its_draft(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "old")
    command = [sys.executable, "-c", WRITE_AND_WAIT, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        write_whole(tmp_path / "other", "")
        (draft,) = {path.name for path in tmp_path.iterdir()} - {"file", "other"}
        write_whole(path, "another's")
        assert draft in names(tmp_path), "the draft of a live writer was removed"
        process.kill()
    assert path.read_text() == "another's"
    write_whole(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == ["file", "other"]


def test_a_draft_of_another_machine_is_believed_for_as_long_as_its_lease(tmp_path):
    path = tmp_path / "file"
    draft = tmp_path / ".elsewhere~1~77~abc~file.draft"
    draft.write_text("half")
    write_whole(path, "new")
    assert draft.exists()
    an_hour_ago = time.time() - 3600
    os.utime(draft, (an_hour_ago, an_hour_ago))
    write_whole(tmp_path / "file.draft.json", "of another name")
    assert draft.exists()
    write_whole(path, "newer")
    assert not draft.exists()


def test_threads_that_write_one_path_at_once_never_show_half_a_file(tmp_path):
    path = tmp_path / "file"
    texts = [letter * 200_000 for letter in "ab"]
    write_whole(path, texts[0])
    threads = [
        threading.Thread(target=lambda text=text: [write_whole(path, text) for _ in range(20)])
        for text in texts
    ]
    for thread in threads:
        thread.start()
    seen = set()
    while any(thread.is_alive() for thread in threads):
        seen.add(path.read_text())
    assert seen <= set(texts)
    assert names(tmp_path) == ["file"]


def test_a_file_is_on_the_disk_before_it_has_its_name_and_the_name_after(tmp_path, monkeypatch):
    path, synced = tmp_path / "file", []
    sync = os.fsync

    def watched(descriptor: int) -> None:
        synced.append((Path(os.readlink(f"/proc/self/fd/{descriptor}")), path.exists()))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", watched)
    write_whole(path, "text")
    (draft, early), folder = synced
    assert (draft.parent, draft != path, early) == (tmp_path, True, False)
    assert folder == (tmp_path, True)


def test_a_file_may_have_as_long_a_name_as_the_file_system_lets_it(tmp_path):
    path = tmp_path / ("ü" * 125 + ".json")
    write_whole(path, "text")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(path.name, "text")]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_sync_folders_is_written_to(tmp_path, monkeypatch, number):
    sync = os.fsync

    def refused(descriptor: int) -> None:
        if Path(os.readlink(f"/proc/self/fd/{descriptor}")).is_dir():
            raise OSError(number, os.strerror(number))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refused)
    write_whole(tmp_path / "file", "text")
    assert (tmp_path / "file").read_text() == "text"


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    path = tmp_path / "file"
    write_whole(path, "old")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write_whole(path, "longer than it may be")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (caught.value.errno, caught.value.filename) == (errno.EFBIG, str(path))
    assert (path.read_text(), names(tmp_path)) == ("old", ["file"])


def test_a_folder_that_cannot_be_written_is_a_fault_the_user_can_mend():
    with pytest.raises(OSError, match=r"/sys/harness\.json") as caught:
        write_whole(Path("/sys/harness.json"), "text")
    assert caught.value.errno in MENDABLE


def test_what_is_published_once_stays_and_leaves_no_draft(tmp_path):
    path = tmp_path / "folder" / "file"
    publish_once(path, lambda draft: draft.write_text("first"))
    publish_once(path, lambda draft: draft.write_text("second"))
    assert path.read_text() == "first"
    with pytest.raises(ZeroDivisionError):
        publish_once(tmp_path / "other", lambda draft: (draft.write_text("half"), 1 / 0))
    assert names(tmp_path) == ["folder"]
    assert names(path.parent) == ["file"]


def test_a_draft_has_a_name_of_its_own_each_time(tmp_path):
    drafts = []
    for _ in range(2):
        publish_once(tmp_path / "file", lambda draft: (drafts.append(draft), draft.touch()))
        (tmp_path / "file").unlink()
    assert len(set(drafts)) == 2


def test_a_folder_gets_its_name_with_all_that_is_in_it(tmp_path):
    draft, path = tmp_path / ".draft", tmp_path / "folder"
    (draft / "deep").mkdir(parents=True)
    (draft / "deep" / "file").write_text("text")
    publish_folder(draft, path)
    assert (path / "deep" / "file").read_text() == "text"
    assert names(tmp_path) == ["folder"]
