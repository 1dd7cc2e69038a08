import pytest

from harness.cli.progress import RunProgress
from harness.records import StageEvent

NOTE = StageEvent("completions", "progress", 0.5, note="going on: 3 of 6 answers were there")


def test_a_note_is_said_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress() as progress:
        progress(NOTE)
        assert capsys.readouterr().err == "completions: going on: 3 of 6 answers were there\n"


def test_not_when_it_is_to_be_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(quiet=True) as progress:
        progress(NOTE)
    assert capsys.readouterr().err == ""
