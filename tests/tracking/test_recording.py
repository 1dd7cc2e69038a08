import json
from dataclasses import replace
from pathlib import Path

from harness.evaluation.score import facts_of_scores
from harness.records import Score, StageEvent, StepEvent, TrialResult, parse_key
from harness.storage.results import parse_results, results_text
from harness.tracking.recording import Recorder, environment
from harness.trial.curves import mean_metrics


class Written:
    """A run that keeps what it is told; ``last`` is how far an earlier attempt came."""

    run_id = "1"

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self.steps: list[int] = []
        self.final: dict[str, float] = {}

    def log_metrics(self, metrics: dict[str, float], step: int = 0) -> None:
        if step:
            self.steps.append(step)
        self.final |= metrics

    def last_step(self, key: str) -> int:
        return self.last

    def __getattr__(self, name: str):
        return lambda *arguments, **settings: None


def result(**changes: object) -> TrialResult:
    fields = {
        "name": "t",
        "fingerprint": "f",
        "config": {"data": {}, "eval": {"suites": ["none"]}},
        "variant": "sft",
        "seed": 1,
        "scores": {},
        "unmeasured": {},
        "summaries": {},
        "facts": {},
        "stages": {},
        "tags": {},
        "seconds": {},
    }
    return TrialResult(**(fields | changes))  # type: ignore[arg-type]


def test_points_of_a_curve_are_written_once() -> None:
    run = Written()
    recorder = Recorder(run)  # type: ignore[arg-type]
    for step in (1, 2, 1, 2, 3):
        recorder.on_event(StepEvent(step, 3, {"train/loss": 1.0}))
        recorder.on_event(StageEvent("adapter", "progress", 0.5))
    assert run.steps == [1, 2, 3]


def test_a_resumed_run_goes_on_where_its_curve_ends() -> None:
    run = Written(last=2)
    recorder = Recorder(run, resumed=True)  # type: ignore[arg-type]
    for step in (1, 2, 3):
        recorder.on_event(StepEvent(step, 3, {"train/loss": 1.0}))
    assert run.steps == [3]


def test_curves_nobody_saw_are_read_from_the_adapter(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "adapter" / "k"
    folder.mkdir(parents=True)
    lines = [{"step": n, "num_steps": 2, "metrics": {"train/loss": 1 / n}} for n in (1, 2)]
    (folder / "curves.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    run = Written()
    Recorder(run).end(result(stages={"adapter": "k"}), tmp_path)  # type: ignore[arg-type]
    assert run.steps == [1, 2]


def test_what_a_score_says_of_itself_survives_a_results_file() -> None:
    plain = Score("chrf", 0.5, True, "s", ("1",), ((0.5, 1.0),))
    rounded = replace(plain, metric="comet", facts={"bf16_deviation": 0.25})
    written = result(scores={parse_key("a/b/chrf"): plain, parse_key("a/b/comet"): rounded})
    text = results_text([written])
    assert parse_results(text, "here") == (written,)
    assert text.count('"facts"') == 2  # the run's and the one score's that has any


def test_facts_of_scores_are_logged_as_metrics() -> None:
    scores = {
        parse_key("a/b/comet"): Score("comet", 0.5, True, "s", (), (), facts={"bf16_shift": -0.25})
    }
    run = Written()
    recorder = Recorder(run)  # type: ignore[arg-type]
    recorder.end(result(scores=scores, facts=facts_of_scores(scores)), Path("none"))
    assert run.final["comet/bf16_shift/a/b"] == -0.25


def test_a_run_shows_scores_summaries_facts_and_seconds() -> None:
    run = Written()
    finished = result(
        scores={parse_key("a/b/chrf"): Score("chrf", 0.5, True, "s", (), ())},
        summaries={parse_key("a/summary"): 0.25, parse_key("a/summary_test"): 0.75},
        facts={"train/steps": 3.0},
        seconds={"adapter": 2.0},
    )
    Recorder(run).end(finished, Path("none"))  # type: ignore[arg-type]
    assert run.final == {
        "a/b/chrf": 0.5,
        "a/summary": 0.25,
        "a/summary_test": 0.75,
        "train/steps": 3.0,
        "seconds/adapter": 2.0,
    }


def test_means_leave_out_what_one_run_lacks() -> None:
    runs = [
        result(summaries={parse_key("a/summary"): 0.5, parse_key("b/summary"): 1.0}),
        result(summaries={parse_key("a/summary"): 1.0}),
    ]
    assert mean_metrics(runs) == {"a/summary": 0.75}


def test_the_environment_names_python_and_packages() -> None:
    assert environment().startswith("python 3.")
    assert "\nmlflow==" in environment()
