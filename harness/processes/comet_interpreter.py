"""The interpreter COMET runs in: which it is, what it has, what a process of it sees."""

import importlib.util
import os
import shutil
import subprocess
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

from harness.errors import MissingExtra

BESIDE_THE_PROJECT = Path(__file__).parents[2] / ".venv-comet" / "bin" / "python"
HINT = (
    "`make setup` makes .venv-comet; or name an interpreter that has unbabel-comet 2.2 "
    "in the configuration (eval.comet_python)"
)


def comet_python(setting: str | None = None) -> Path:
    """The interpreter COMET runs in.

    The setting if there is one; else this interpreter if it can run COMET; else ``.venv-comet``
    beside the project.

    Raises:
        MissingExtra: There is none.
    """
    if setting is not None:
        found = shutil.which(setting)
        if found is None:
            raise MissingExtra(f"eval.comet_python: {setting}: no such program", HINT)
        return Path(found)
    if _runs_comet_here():
        return Path(sys.executable)
    if os.access(BESIDE_THE_PROJECT, os.X_OK):
        return BESIDE_THE_PROJECT
    raise MissingExtra("COMET needs an interpreter with unbabel-comet, and there is none", HINT)


def _runs_comet_here() -> bool:
    if importlib.util.find_spec("comet") is None:
        return False
    try:
        metadata.version("unbabel-comet")
        return int(metadata.version("transformers").partition(".")[0]) < 5
    except metadata.PackageNotFoundError:
        return False


def comet_environment(threads: int) -> dict[str, str]:
    """Environment variables for a process of that interpreter: offline, a fixed thread count."""
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }


@cache
def comet_version(python: Path) -> str:
    """Version of unbabel-comet an interpreter has, without importing it.

    Raises:
        MissingExtra: It does not run, or has none.
    """
    code = "from importlib.metadata import version; print(version('unbabel-comet'))"
    try:
        done = subprocess.run(
            [str(python), "-I", "-c", code], capture_output=True, text=True, check=False, timeout=60
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingExtra(f"{python} does not run: {error}", HINT) from None
    if done.returncode != 0:
        raise MissingExtra(f"{python} has no unbabel-comet", HINT)
    return done.stdout.strip()
