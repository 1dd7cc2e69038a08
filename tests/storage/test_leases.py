import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.storage.leases import Owner, is_alive, parse_owner, this_process

ME = this_process()
LINUX = pytest.mark.skipif(not psutil.LINUX, reason="there is no /proc")


def own_ticks() -> str:
    return Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]


def test_an_owner_is_read_back_from_its_text():
    assert parse_owner(str(ME)) == ME
    assert parse_owner("nonsense") is None


def test_an_owner_here_is_alive_while_its_process_is_whatever_its_lease_says():
    assert is_alive(ME, 0)
    assert not is_alive(Owner(ME.host, os.getpid(), "another start"), 2e10)
    process = subprocess.Popen([sys.executable, "-c", ""])
    process_id = process.pid
    while psutil.Process(process_id).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not is_alive(Owner(ME.host, process_id, ""), 2e10)
    process.wait()
    assert not is_alive(Owner(ME.host, process_id, ""), 2e10)


def test_an_owner_elsewhere_is_believed_until_its_lease_ends():
    assert is_alive(Owner("elsewhere", 1, "1"), time.time() + 1)
    assert not is_alive(Owner("elsewhere", 1, "1"), time.time() - 1)


@LINUX
def test_a_start_is_ticks_since_the_boot_and_the_boot():
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert ME.started == f"{own_ticks()}@{boot_id}"
    assert not is_alive(Owner(ME.host, ME.pid, f"{own_ticks()}@another-boot"), 2e10)


@LINUX
def test_a_lease_of_an_earlier_version_holds_ticks_alone():
    assert is_alive(parse_owner(f"{ME.host}/{ME.pid}/{own_ticks()}"), 0)
    assert not is_alive(parse_owner(f"{ME.host}/{ME.pid}/{int(own_ticks()) + 1}"), 2e10)


def test_without_proc_a_start_is_when_the_process_was_made(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    me = this_process()
    assert float(me.started) == psutil.Process().create_time()
    assert is_alive(me, 0)
    assert is_alive(Owner(me.host, me.pid, ""), 0), "earlier versions told no start there"
    assert not is_alive(Owner(me.host, me.pid, "1.0"), 2e10)
