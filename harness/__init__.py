"""Which method and settings buy the most translation for the least general ability and safety.

The public names load on first use, so that ``import harness`` costs nothing.
"""

import importlib
from typing import Any

_HOMES = {
    "ConfigError": "harness.errors",
    "DataError": "harness.errors",
    "EvaluationError": "harness.errors",
    "HarnessError": "harness.errors",
    "MissingExtra": "harness.errors",
    "Score": "harness.records",
    "ScoreKey": "harness.records",
    "SweepSpec": "harness.sweep.spec",
    "TrainingError": "harness.errors",
    "TrialConfig": "harness.trial.config",
    "TrialResult": "harness.records",
    "parse_key": "harness.records",
    "run_trial": "harness.api",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    """Loads a public name from the module that owns it."""
    if name not in _HOMES:
        raise AttributeError(f"module 'harness' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
