"""Keys, values and tags as MLflow takes them."""

import json
import re
from collections.abc import Mapping

from harness.records import JSON
from harness.storage import leases

OWNER = "harness.lease.owner"
ENDS = "harness.lease.ends"

# Limits of MLflow 3.17 (mlflow/utils/validation.py)
METRICS_PER_BATCH = 1000
PARAMS_PER_BATCH = 100
TAGS_PER_BATCH = 100
KEY_LENGTH = 250
PARAM_LENGTH = 6000
TAG_LENGTH = 8000
DIGEST_LENGTH = 36
RUNS_PER_PAGE = 1000


def safe_key(key: str) -> str:
    """A key MLflow takes: other characters than it allows become ``_``.

    >>> safe_key("suite/x/pass@1")
    'suite/x/pass_1'
    """
    return re.sub(r"[^\w\-. :/]", "_", key, flags=re.ASCII)[:KEY_LENGTH]


def lease() -> dict[str, str]:
    """Tags that say whose a run is, and until when to believe in them."""
    return {OWNER: str(leases.this_process()), ENDS: str(leases.ends())}


def safe_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags as MLflow takes them, long ones cut."""
    return {safe_key(key): _clipped(value, TAG_LENGTH) for key, value in tags.items()}


def param_text(value: JSON) -> str:
    """A parameter's value: a text as it is, all else as JSON; cut where it is too long."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _clipped(text, PARAM_LENGTH)


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
