"""The command line as a function: ``harness("list", "variants")``."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from harness.cli.main import main


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def harness(tmp_path, monkeypatch) -> Callable[..., Outcome]:
    """Runs the command line in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HARNESS_HOME", raising=False)

    def call(*arguments: object, given: str | None = None) -> Outcome:
        result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=given)
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return call
