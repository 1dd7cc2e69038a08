from dataclasses import replace

import pytest

from harness.records import StageEvent, StepEvent
from harness.storage import results
from harness.trial.run import run_trial
from tests.projects import write_project

STAGES = {"corpus", "completions", "examples", "adapter"}
STAGES |= {"contamination", "predictions", "scores"}


def record(config, home):
    events = []
    return run_trial(config, home=home, on_event=events.append), events


def reused(events):
    return {
        event.stage for event in events if isinstance(event, StageEvent) and event.state == "reused"
    }


def manifests(home):
    """What every stage says of how and when it was made."""
    return {path: path.read_text() for path in (home / "store").glob("*/*/manifest.json")}


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_model_dir):
    folder = tmp_path_factory.mktemp("project")
    config = write_project(folder, tiny_model_dir)
    first = record(config, folder / "home")
    return folder, config, first


def test_a_trial_scores_every_metric_of_every_benchmark(project):
    _, _, (result, _) = project
    assert set(map(str, [*result.scores, *result.unmeasured])) == {
        f"mini_{suite}_{split}/{metric}"
        for split in ("validation", "test")
        for suite, metric in [
            ("translation/en_de", "chrf"),
            ("translation/en_de", "empty"),
            ("general/echo", "exact_match"),
        ]
    }
    assert set(map(str, result.summaries)) == {
        "mini_translation/summary",
        "mini_translation/summary_test",
        "mini_general/summary",
        "mini_general/summary_test",
    }


def test_the_same_trial_again_makes_no_stage_anew_and_tells_the_same_curves(project):
    folder, config, (first, events) = project
    before = manifests(folder / "home")
    assert {path.parts[-3] for path in before} == STAGES
    second, again = record(config, folder / "home")
    assert manifests(folder / "home") == before
    assert {"examples", "adapter"} <= reused(again)
    assert "completions" not in {e.stage for e in again if isinstance(e, StageEvent)}
    assert [e for e in again if isinstance(e, StepEvent)] == [
        e for e in events if isinstance(e, StepEvent)
    ]
    assert second.scores == first.scores
    assert second.stages == first.stages


def test_a_new_home_gives_the_same_numbers_to_the_bit(project):
    folder, config, (first, _) = project
    second, _ = record(config, folder / "other home")
    assert second.scores == first.scores
    assert second.stages == first.stages
    trained = [name for name in first.facts if name.startswith("train/final_loss")]
    assert trained
    assert [second.facts[name] for name in trained] == [first.facts[name] for name in trained]


def test_another_weight_reuses_the_examples_and_trains_anew(project):
    folder, config, (first, _) = project
    heavier = config.replace(
        variant={"name": "radis", "max_rationale_tokens": 6, "rationale_weight": 3}
    )
    second, events = record(heavier, folder / "home")
    assert "examples" in reused(events)
    assert "adapter" not in reused(events)
    assert second.stages["examples"] == first.stages["examples"]
    assert second.stages["adapter"] != first.stages["adapter"]


def test_the_base_is_scored_without_training(project):
    folder, config, _ = project
    result, events = record(config.replace(variant="base"), folder / "home")
    assert "adapter" not in result.stages
    assert not [event for event in events if isinstance(event, StepEvent)]
    assert result.scores


def test_a_result_is_read_back_as_it_was_written(project):
    folder, _, (first, _) = project
    (read,) = results.read_results(folder / "home" / "trials" / f"{first.fingerprint}.json")
    assert read == replace(first, scores=read.scores)
    assert read.scores == first.scores
