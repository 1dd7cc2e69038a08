"""Judgements on disk, a file each: whole or not there, whatever was killed."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from harness.protocols import Judgement
from harness.records import JSON
from harness.storage.files import write_whole

logger = logging.getLogger(__name__)


def write_judgement(path: Path, judgement: Judgement, asked: Mapping[str, JSON]) -> None:
    """Writes a judgement, with what was asked for it for a person to read."""
    record = {"judgement": asdict(judgement), **asked}
    write_whole(path, json.dumps(record, ensure_ascii=False, indent=1))


def read_judgement(path: Path) -> Judgement | None:
    """The judgement of a file; None where there is none, or the file is not whole."""
    try:
        return Judgement(**json.loads(path.read_text(encoding="utf-8"))["judgement"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        logger.warning("%s: no judgement can be read in it, so the judge is asked again", path)
        return None
