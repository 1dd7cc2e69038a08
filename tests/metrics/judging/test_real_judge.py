"""The pocket model as a judge, behind ``transformers serve``, a process of its own."""

from pathlib import Path

import pytest

import harness
from harness.evaluation.score import Unmeasured, score_predictions
from harness.metrics.judging.client import JudgeClient
from harness.protocols import Services
from tests.metrics.judging.conftest import prediction
from tests.servers.real import transformers_serve

pytestmark = pytest.mark.slow

BASE = Path(harness.__file__).parent / "pocket" / "files" / "base"


def test_a_small_model_judges_without_verdicts_and_is_asked_no_more(tmp_path, prompts):
    items = [prediction(name, "The dog sleeps.", "It sleeps.") for name in ("one", "two", "three")]
    folder = tmp_path / "judgements"
    services = Services(judge=JudgeClient(folder))
    with transformers_serve(BASE, tmp_path / "log") as served:
        settings = {"server": served.settings, "prompts": prompts, "max_tokens": 24}
        found = score_predictions(items, "judge_grade", settings, services)
        assert served.asked() == 12
    assert isinstance(found, Unmeasured)
    assert "none of the 12 judgements of" in found.reason
    assert len(list(folder.rglob("*.json"))) == 12
    # the server is gone: what it said is not
    assert score_predictions(items, "judge_grade", settings, services) == found
