"""Makes a virtual environment from a lock file, once: ``environment.py FOLDER LOCK [--project]``.

The stamp is written last and names what the environment was made from, so an interrupted
installation is never taken for a complete one. ``--project`` also installs the project itself,
editable. Standard library only; run by ``.setup/environment`` from any folder.
"""

import argparse
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import BinaryIO

ROOT = Path(__file__).resolve().parent.parent
PACKAGES_STAMP = "packages-made-from"
PROJECT_STAMP = "project-made-from"
REPORT_EVERY_S = 15.0

# What pip says when it gives up, and what the user can do about it.
CAUSES = (
    (
        r"No space left on device",
        "the disk is full: the two environments need about 4 GB",
    ),
    (
        r"No matching distribution found for (?P<package>\S+)",
        "the package index has no such version: check the network, the proxy and `pip config list`",
    ),
    (
        r"Failed (?:building wheel for|to build(?: installable wheels for)?) (?P<package>\S+)",
        "it had to be compiled: use Python 3.11 or 3.12 on Linux or macOS, where wheels exist",
    ),
    (
        r"conflict is caused by:\s+(?P<package>.+)",
        "the lock contradicts itself: take the committed one (`git checkout -- '*.lock'`)",
    ),
    (
        r"Max retries exceeded with url: \S*/(?P<package>[\w.-]+)/|timed out|Connection broken",
        "the package index cannot be reached: check the network and the proxy, then run it again",
    ),
)


class SetUpFailed(Exception):
    """The message says what failed and what to do."""


def main() -> int:
    """Makes the environment unless it is there; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("lock")
    parser.add_argument("--project", action="store_true", help="install the project as well")
    parser.add_argument("--check", action="store_true", help="only say whether it is up to date")
    arguments = parser.parse_args()
    os.chdir(ROOT)
    folder, lock = Path(arguments.folder), Path(arguments.lock)
    if arguments.check:
        up_to_date = has_packages(folder, lock) and (not arguments.project or has_project(folder))
        return 0 if up_to_date else 1
    try:
        with lock.open("rb") as file:
            if not take_lock(file):
                say(folder, "another set-up is making it; waiting")
                fcntl.flock(file, fcntl.LOCK_EX)
            make(folder, lock, arguments.project)
    except SetUpFailed as failure:
        print(f"set-up failed: {failure}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"\nset-up interrupted; the next one makes {folder} from the start", file=sys.stderr)
        return 130
    return 0


def take_lock(file: BinaryIO) -> bool:
    """Takes the lock unless somebody has it (two ``make`` commands may start together)."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def make(folder: Path, lock: Path, project: bool) -> None:
    """Brings the environment to the state of the lock and of the project file."""
    if not (has_packages(folder, lock) and runs(folder)):
        install(folder, lock)
        (folder / PACKAGES_STAMP).write_text(packages_made_from(lock), encoding="utf-8")
    if project and not has_project(folder):
        # The lock has setuptools, so building needs no download.
        pip(folder, ["--no-deps", "--no-build-isolation", "--editable", "."], 1)
        (folder / PROJECT_STAMP).write_text(project_made_from(), encoding="utf-8")


def has_packages(folder: Path, lock: Path) -> bool:
    """Whether all of this lock was installed, here: a moved environment points elsewhere."""
    return read(folder / PACKAGES_STAMP) == packages_made_from(lock)


def has_project(folder: Path) -> bool:
    """Whether the project was installed with its present pyproject.toml (entry points)."""
    return read(folder / PROJECT_STAMP) == project_made_from()


def packages_made_from(lock: Path) -> str:
    """What the stamp of the packages says."""
    return f"{sha256(lock)} {ROOT}"


def project_made_from() -> str:
    """What the stamp of the project says."""
    return sha256(ROOT / "pyproject.toml")


def sha256(path: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path) -> str | None:
    """A small file's text, None without the file."""
    return path.read_text(encoding="utf-8") if path.is_file() else None


def runs(folder: Path) -> bool:
    """Whether the environment's interpreter starts (its own may have been uninstalled)."""
    try:
        command = [str(folder / "bin" / "python"), "-c", ""]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def install(folder: Path, lock: Path) -> None:
    """A new environment with all of the lock, replacing what was there."""
    start = time.monotonic()
    version = ".".join(map(str, sys.version_info[:3]))
    pinned = [line for line in lock.read_text().splitlines() if line and not line.startswith("#")]
    say(folder, f"{len(pinned)} packages of {lock} for Python {version}, a few minutes once")
    shutil.rmtree(folder, ignore_errors=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        last = (made.stdout + made.stderr).strip().splitlines()[-1:]
        raise SetUpFailed(f"{folder}: {sys.executable} -m venv: {' '.join(last)}")
    pip(folder, ["-r", str(lock)], len(pinned))
    say(folder, f"ready after {time.monotonic() - start:.0f} s")


def pip(folder: Path, arguments: list[str], num_packages: int) -> None:
    """Runs ``pip install``, with a line of progress now and then.

    Raises:
        SetUpFailed: It failed; names the package and the log.
    """
    log = folder / "install.log"
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX"}
    }
    environment |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    command = [str(folder / "bin" / "python"), "-m", "pip", "install", "--progress-bar", "off"]
    start = reported = time.monotonic()
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, *arguments], stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        while True:
            try:
                code = process.wait(timeout=1.0)
                break
            except subprocess.TimeoutExpired:
                now = time.monotonic()
                if now - reported >= REPORT_EVERY_S:
                    reported = now
                    said = log.read_text(encoding="utf-8", errors="replace")
                    say(folder, f"{now - start:4.0f} s  {progress(said, num_packages)}")
    if code != 0:
        raise SetUpFailed(explain(folder, log.read_text(encoding="utf-8", errors="replace"), log))


def progress(said: str, num_packages: int) -> str:
    """Where pip is, from what it said so far."""
    if "Installing collected packages" in said:
        return "writing the files"
    collected = re.findall(r"^Collecting (\S+)", said, re.MULTILINE)
    if not collected:
        return "starting"
    return f"collected {min(len(collected), num_packages)} of {num_packages}, now {collected[-1]}"


def explain(folder: Path, said: str, log: Path) -> str:
    """The package pip stopped at, the likely cause, and where to read on."""
    collected = re.findall(r"^Collecting (\S+)", said, re.MULTILINE)
    package = collected[-1] if collected else "the first package"
    errors = [line for line in said.splitlines() if re.match(r"\s*(ERROR|error):", line)]
    advice = "read the log; once mended, the same command starts over"
    for pattern, what_to_do in CAUSES:
        found = re.search(pattern, said)
        if found:
            package = found.groupdict().get("package") or package
            advice = what_to_do
            break
    last = f"\n  pip: {errors[-1].strip()}" if errors else ""
    return f"{folder}: {package}{last}\n  what to do: {advice}\n  log: {log}"


def say(folder: Path, text: str) -> None:
    """One line of progress."""
    print(f"set-up: {folder}  {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
