"""Judgements on disk, a file each: whole or not there, whatever was killed."""

import json
import logging
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from harness.protocols import Judgement
from harness.records import JSON

logger = logging.getLogger(__name__)


def write_judgement(path: Path, judgement: Judgement, asked: Mapping[str, JSON]) -> None:
    """Writes a judgement, with what was asked for it for a person to read."""
    record = {"judgement": asdict(judgement), **asked}
    path.parent.mkdir(parents=True, exist_ok=True)
    # under a name of its own, on the disk itself, then renamed: a file that is there is whole
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=".draft-", delete=False
    ) as draft:
        json.dump(record, draft, ensure_ascii=False, indent=1)
        draft.flush()
        os.fsync(draft.fileno())
    os.replace(draft.name, path)


def read_judgement(path: Path) -> Judgement | None:
    """The judgement of a file; None where there is none, or the file is not whole."""
    try:
        return Judgement(**json.loads(path.read_text(encoding="utf-8"))["judgement"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        logger.warning("%s: no judgement can be read in it, so the judge is asked again", path)
        return None
