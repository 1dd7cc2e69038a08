"""MT-Bench and the like as they are published, where their data are."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from harness.benchmarks.read import find_benchmarks
from harness.benchmarks.spec import EvalSpec
from harness.evaluation.predict import predict
from harness.evaluation.score import Unmeasured, score_predictions
from harness.metrics.judge_grade import JudgeGrade
from harness.protocols import Services
from tests.fakes import ScriptedGenerator
from tests.outside import DATA, outside

ROOT = Path(__file__).parents[3]
pytestmark = outside("fastchat", "transllm")


def answered(name):
    spec = EvalSpec(
        suites=(f"chat/{name}",), folder=str(ROOT / "benchmarks"), data=str(DATA), limit=None
    )
    (benchmark,) = find_benchmarks(spec)
    generator = ScriptedGenerator(lambda prompt: f"An answer of {len(prompt)}.")
    return benchmark, predict([benchmark], generator)[benchmark.key], generator


@pytest.mark.parametrize("name", ["mt_bench_test", "mt_bench_th_test"])
def test_mt_bench_asks_for_160_judgements_60_of_them_against_a_reference(name):
    benchmark, predictions, generator = answered(name)
    metric = JudgeGrade.model_validate(benchmark.settings["judge_grade"])
    questions = metric.questions(predictions)
    assert Counter(question.prompt.name for question in questions) == {
        "single-v1": 50,
        "single-v1-multi-turn": 50,
        "single-math-v1": 30,
        "single-math-v1-multi-turn": 30,
    }
    by_temperature = Counter()
    for prompts, decoding in generator.calls:
        by_temperature[decoding.temperature] += len(prompts)
    assert by_temperature == {0.7: 40, 0.0: 80, 0.1: 40}
    assert len({row.id for row in predictions}) == 80


def test_the_thai_questions_have_ids_and_categories_of_the_english_ones():
    english, thai = (
        {row["id"]: row["category"] for row in answered(name)[0].items}
        for name in ("mt_bench_test", "mt_bench_th_test")
    )
    assert thai == english


def test_vicuna_has_one_turn_and_ten_references():
    benchmark, predictions, _ = answered("vicuna_test")
    metric = JudgeGrade.model_validate(benchmark.settings["judge_grade"])
    names = Counter(question.prompt.name for question in metric.questions(predictions))
    assert names == {"single-v1": 70, "single-math-v1": 10}


@pytest.mark.parametrize(
    ("name", "metric", "settings", "reason"),
    [
        ("mt_bench_test", "judge_grade", {}, "judge_grade.server is not set"),
        ("alpaca_eval_test", "judge_preference", {}, "judge_preference.server is not set"),
        (
            "alpaca_eval_test",
            "judge_preference",
            {"server": {"url": "http://127.0.0.1:1/v1", "model": "m"}, "against": "x.jsonl"},
            "judge_preference.prompts: no such file: alpaca_eval/alpaca_eval_clf.txt",
        ),
    ],
)
def test_without_a_judge_or_its_prompt_it_is_not_measured(name, metric, settings, reason, tmp_path):
    for piece in ("fastchat", "transllm"):
        (tmp_path / piece).symlink_to(DATA / piece)
    spec = EvalSpec(suites=(f"chat/{name}",), folder=str(ROOT / "benchmarks"), data=str(tmp_path))
    (benchmark,) = find_benchmarks(spec)
    benchmark = replace(benchmark, items=benchmark.items[:1])
    predictions = predict([benchmark], ScriptedGenerator(lambda prompt: "Yes."))[benchmark.key]
    found = score_predictions(predictions, metric, settings, Services(), benchmark)
    assert isinstance(found, Unmeasured)
    assert reason in found.reason
