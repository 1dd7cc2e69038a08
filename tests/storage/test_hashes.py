"""Checksums that are remembered, and files that change without showing it."""

import hashlib
import json
import os
import subprocess
import sys
import time

import pytest

from harness.storage.hashes import content_sha256, folder_stamp

LARGE = 64 * 2**20


def sha256(text):
    return hashlib.sha256(text).hexdigest()


@pytest.fixture
def later(monkeypatch):
    """Lets the clock run ahead, so that files written now changed long ago."""
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + 10 * 10**9)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/mt-tuning-harness/sha256"


def rewrite(file, content):
    """Changes a file in place and sets its time back, as `cp -p` and `rsync -t` do."""
    before = file.stat()
    with file.open("r+b") as opened:
        opened.write(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_size == before.st_size


def test_a_file_that_changed_with_its_time_kept_has_another_checksum(tmp_path, later):
    file = tmp_path / "weights"
    file.write_bytes(b"one")
    assert content_sha256(file) == sha256(b"one")
    time.sleep(0.02)  # a tick of the file system
    rewrite(file, b"two")
    assert content_sha256(file) == sha256(b"two")


def test_a_file_that_changed_a_moment_ago_is_read_each_time(tmp_path):
    file = tmp_path / "weights"
    for number in range(50):  # some of them within one tick of the file system
        file.write_bytes(b"%02d" % number)
        os.utime(file, ns=(0, 0))
        assert content_sha256(file) == sha256(b"%02d" % number)


def test_another_file_put_in_its_place_has_its_own_checksum(tmp_path, later):
    file, other = tmp_path / "weights", tmp_path / "other"
    for path, content in ((file, b"one"), (other, b"two")):
        path.write_bytes(content)
        os.utime(path, ns=(0, 0))
    assert content_sha256(file) == sha256(b"one")
    os.replace(other, file)
    assert content_sha256(file) == sha256(b"two")


def test_a_link_is_followed(tmp_path, later):
    for name in ("one", "two"):
        (tmp_path / name).write_bytes(name.encode())
        os.utime(tmp_path / name, ns=(0, 0))
    link = tmp_path / "link"
    link.symlink_to("one")
    assert content_sha256(link) == sha256(b"one")
    link.unlink()
    link.symlink_to("two")
    assert content_sha256(link) == sha256(b"two")


def large(file):
    with file.open("wb") as opened:
        opened.truncate(LARGE)


def test_the_checksum_of_a_large_file_on_disk_goes_with_the_file(tmp_path, later, cache):
    file = tmp_path / "weights"
    large(file)
    before = content_sha256(file)
    (entry,) = cache.iterdir()
    assert json.loads(entry.read_text())["sha256"] == before
    time.sleep(0.02)
    rewrite(file, b"one bit")
    after = content_sha256(file)
    assert after == hashlib.sha256(file.read_bytes()).hexdigest() != before
    assert len(list(cache.iterdir())) == 2


def test_another_process_reads_the_checksum_of_a_large_file_from_disk(tmp_path, later, cache):
    file = tmp_path / "weights"
    large(file)
    content_sha256(file)
    (entry,) = cache.iterdir()
    entry.write_text(json.dumps({"sha256": "as remembered"}))
    code = (
        "import sys, pathlib, harness.storage.hashes as hashes\n"
        "print(hashes.content_sha256(pathlib.Path(sys.argv[1])))"
    )
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "as remembered\n"


def test_a_large_file_that_changed_a_moment_ago_is_not_remembered_on_disk(tmp_path, cache):
    file = tmp_path / "weights"
    large(file)
    content_sha256(file)
    assert not cache.exists()


def test_the_stamp_of_a_folder_is_another_once_a_file_changes(tmp_path, later):
    (tmp_path / "a/b").mkdir(parents=True)
    file = tmp_path / "a/b/rows"
    file.write_bytes(b"one")
    stamps = [folder_stamp(tmp_path), folder_stamp(tmp_path)]
    assert stamps[0] == stamps[1]
    time.sleep(0.02)
    rewrite(file, b"two")
    stamps.append(folder_stamp(tmp_path))
    (tmp_path / "a/more").write_bytes(b"")
    stamps.append(folder_stamp(tmp_path))
    assert len(set(stamps)) == 3
    assert folder_stamp(tmp_path / "none") == ""


def test_the_stamp_of_a_folder_with_a_file_of_this_moment_is_never_the_same(tmp_path):
    (tmp_path / "rows").write_bytes(b"one")
    assert folder_stamp(tmp_path) != folder_stamp(tmp_path)
