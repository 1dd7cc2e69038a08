"""Judged scores as a trial makes them: a stage of the store, with what the judge said beside it."""

import json
import shutil
from pathlib import Path

import pytest

from harness.benchmarks.spec import EvalSpec
from harness.errors import DataError
from harness.evaluation.check import check_metrics
from harness.evaluation.predict import predict_stored
from harness.evaluation.score import (
    facts_of_scores,
    judgements_file,
    score_predictions,
    score_stored,
)
from harness.protocols import Services
from harness.records import parse_key
from harness.storage.predictions import write_predictions
from harness.storage.results import from_plain, to_plain
from harness.storage.store import Store
from harness.tracking.recording import Recorder
from tests.fakes import ScriptedGenerator
from tests.metrics.judging.conftest import prediction, shown
from tests.tracking.test_recording import Written, result

ROWS = [
    {"id": "1", "prompt": "Shorter!", "turns": ["Tell me.", "Shorter!"], "target": ""},
    {"id": "2", "prompt": "Why?", "turns": ["Who?", "Why?"], "target": ""},
]
BLOCK = {"metrics": ["judge_grade"], "summary": None}


def answer(prompt):
    return "That is how it is." if "Shorter" in prompt or "Why" in prompt else "A long story."


def by_length(asked):
    return f"[[{len(shown(asked)['a']) / 10}]]"


class Kept(Written):
    """A run that keeps the files it is given, by their folder."""

    def __init__(self):
        super().__init__()
        self.files = {}

    def log_file(self, path, folder=None):
        self.files[folder] = path.read_text()


@pytest.fixture
def stored(benchmarks, tmp_path):
    benchmarks.write("chat/talk_test", ROWS, block=BLOCK)
    (benchmark,) = benchmarks.find()
    store = Store(tmp_path / "home/store")
    built = predict_stored([benchmark], {"m": 1}, store, lambda: ScriptedGenerator(answer))
    return benchmark, built[benchmark.key], store


def test_a_trial_keeps_what_the_judge_said_beside_the_score_and_shows_it(
    stored, judge, prompts, tmp_path
):
    benchmark, predictions, store = stored
    bench = judge(by_length)
    settings = {"server": bench.server, "prompts": prompts}
    score = score_stored(predictions, benchmark, "judge_grade", settings, bench.services, store)
    assert score.value == pytest.approx((1.3 + 1.8) / 2)
    data, asked = benchmark.data_sha256[:8], benchmark.task.asked()[:8]
    assert score.signature.endswith(f"|benchmark:1.0|data:{data}|asked:{asked}")
    path = judgements_file(store, predictions.key, score)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["id"], row["turn"], row["repeat"]) for row in rows] == [
        (item, turn, repeat) for item in ("1", "2") for turn in (1, 2) for repeat in (1, 2)
    ]
    asked = bench.num_asked
    again = score_stored(predictions, benchmark, "judge_grade", settings, bench.services, store)
    assert again == score
    assert bench.num_asked == asked == 8

    run = Kept()
    scores = {parse_key("chat/talk_test/judge_grade"): score}
    stages = {"predictions/chat/talk_test": predictions.key}
    facts = facts_of_scores(scores)
    Recorder(run).end(result(scores=scores, stages=stages, facts=facts), tmp_path / "home")
    assert run.files["judgements/chat/talk_test/judge_grade"] == path.read_text()
    assert run.final["judge_grade/turn_2/chat/talk_test"] == pytest.approx(1.8)
    assert run.final["judge_grade/sd_between_repeats/chat/talk_test"] == 0.0


def test_what_a_judge_says_anew_is_scored_anew_under_the_same_signature(stored, judge, prompts):
    benchmark, predictions, store = stored

    def scored(bench):
        settings = {"server": bench.server, "prompts": prompts, "repeats": 1}
        return score_stored(predictions, benchmark, "judge_grade", settings, bench.services, store)

    words = ["[[4]]"]
    bench = judge(lambda asked: words[-1])
    first = scored(bench)
    elsewhere = scored(judge(lambda asked: "[[9]]"))
    words.append("Better: [[8]]")
    shutil.rmtree(bench.folder)
    again = scored(bench)
    assert [score.value for score in (first, elsewhere, again)] == [4.0, 9.0, 8.0]
    assert first.signature == elsewhere.signature == again.signature
    for score, said in ((first, "[[4]]"), (elsewhere, "[[9]]"), (again, "Better: [[8]]")):
        lines = judgements_file(store, predictions.key, score).read_text().splitlines()
        assert {json.loads(line)["judgement"] for line in lines} == {said}
    kept = result(scores={parse_key("chat/talk_test/judge_grade"): again})
    assert from_plain(json.loads(json.dumps(to_plain(kept)))).scores == kept.scores


def test_other_scores_are_found_where_they_always_were(benchmarks, tmp_path):
    benchmarks.write("chat/talk_test", ROWS, block={**BLOCK, "metrics": ["empty"]})
    (benchmark,) = benchmarks.find()
    store = Store(tmp_path / "store")
    built = predict_stored([benchmark], {"m": 1}, store, lambda: ScriptedGenerator(answer))
    predictions = built[benchmark.key]
    score = score_stored(predictions, benchmark, "empty", {}, Services(), store)
    (folder,) = (store.root / "scores").glob("*/manifest.json")
    assert json.loads(folder.read_text())["identity"] == {
        "predictions": predictions.key,
        "metric": "empty",
        "signature": score.signature,
    }
    assert "judgements" not in json.loads(folder.with_name("score.json").read_text())


def test_a_wrong_file_is_told_before_anything_is_generated(benchmarks, prompts, tmp_path):
    benchmarks.write("chat/talk_test", ROWS, block={**BLOCK, "metrics": ["judge_preference"]})
    (benchmark,) = benchmarks.find()
    write_predictions(tmp_path / "other.jsonl", [prediction("1", "a", "b")])
    settings = {"prompts": prompts, "against": str(tmp_path / "other.jsonl")}
    spec = EvalSpec(suites=("chat",), metrics={"judge_preference": settings})
    with pytest.raises(DataError, match=r"no answer to 1 of 2 items, matched by id \(first: '2'"):
        check_metrics([benchmark], spec)


def test_a_key_that_is_not_set_is_told_before_anything_is_generated(
    benchmarks, prompts, monkeypatch, caplog
):
    benchmarks.write("chat/talk_test", ROWS, block=BLOCK)
    monkeypatch.delenv("JUDGE_KEY", raising=False)
    server = {"url": "http://127.0.0.1:1/v1", "model": "m", "key_variable": "JUDGE_KEY"}
    settings = {"judge_grade": {"prompts": prompts, "server": server}}
    check_metrics(benchmarks.find(), EvalSpec(suites=("chat",), metrics=settings))
    assert "JUDGE_KEY, which is to hold the server's API key, is not set" in caplog.text


def test_a_benchmark_without_a_judge_is_not_measured_and_no_reason_to_stop(benchmarks, stored):
    benchmark, *_ = stored
    check_metrics([benchmark], EvalSpec(suites=("chat",)))


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"bleu": {}}, "settings.bleu: no metric of this benchmark (judge_grade)"),
        ({"judge_grade": {"repeats": 0}}, "settings.judge_grade.repeats: "),
        ({"judge_grade": {"prompt": "x"}}, "settings.judge_grade.prompt: "),
    ],
)
def test_settings_a_benchmark_brings_are_those_of_its_metrics(benchmarks, settings, fault):
    benchmarks.write("chat/talk_test", ROWS, block={**BLOCK, "settings": settings})
    with pytest.raises(DataError) as caught:
        benchmarks.find()
    assert fault in str(caught.value)


def test_files_a_benchmark_brings_are_found_beside_it_and_the_users_settings_come_first(
    benchmarks, judge, prompts, tmp_path
):
    brought = {"judge_grade": {"prompts": "ours.jsonl", "repeats": 3}}
    path = benchmarks.write("chat/talk_test", ROWS, block={**BLOCK, "settings": brought})
    (path.parent / "ours.jsonl").write_text(Path(prompts).read_text())
    (benchmark,) = benchmarks.find()
    assert benchmark.settings["judge_grade"]["prompts"] == str(path.parent / "ours.jsonl")
    bench = judge(by_length)
    items = [prediction("1", "a" * 20)]
    settings = {"server": bench.server, "repeats": 1}
    found = score_predictions(items, "judge_grade", settings, bench.services, benchmark)
    assert (found.value, bench.num_asked) == (2.0, 1)
