import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from harness.cli.candidates import read_candidate
from harness.errors import ConfigError, EvaluationError
from harness.records import Split, SweepRecord, TrialResult, parse_key
from harness.settings.spec import file_sha256
from harness.statistics.margins import DEFAULT_MARGINS
from harness.sweep import run as run_module
from harness.sweep.progress import Notice, Snapshot, SweepNews, TrialEnded
from harness.sweep.record import journal_path, load_sweep
from harness.sweep.run import run_sweep
from harness.sweep.spec import SweepSpec
from harness.sweep.study import find_study

HOME = Path("home")
FAKE = "tests.sweep.fake:run"


def go(spec: SweepSpec, workers: int = 1, **settings: Any) -> SweepRecord:
    return run_sweep(spec, home=HOME, workers=workers, **{"runner": FAKE, **settings})


def small(spec: SweepSpec, **changes: Any) -> SweepSpec:
    """Two trials, sft of two ranks, nothing confirmed."""
    space = {"variant.name": {"values": ["sft"]}, "lora.rank": {"values": [4, 8]}}
    return spec.replace(**{"space": space, "confirm": None, **changes})


def failing(spec: SweepSpec, rates: list[float]) -> SweepSpec:
    return small(spec, space={"train.learning_rate": {"values": rates}})


def runs(name: str = "toy") -> list[Any]:
    client = MlflowClient()
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    return list(client.search_runs([experiment.experiment_id]))


def by_name(name: str) -> dict[str, Any]:
    return {run.info.run_name: run for run in runs(name)}


def made() -> list[str]:
    return sorted((HOME / "made.log").read_text().splitlines())


def undominated(record: SweepRecord) -> tuple[int, ...]:
    """Feasible trials that no other one beats in one objective and equals or beats in the rest."""
    points = {t.number: t.values for t in record.trials if t.feasible and t.values is not None}

    def beats(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
        return one != other and all(a >= b for a, b in zip(one, other, strict=True))

    return tuple(
        number
        for number, values in points.items()
        if not any(beats(other, values) for other in points.values())
    )


def splits_of(results: Sequence[TrialResult]) -> set[Split]:
    return {key.split for result in results for key in result.scores}


def test_a_sweep_from_end_to_end(spec: SweepSpec) -> None:
    record = go(spec, workers=2)
    assert [trial.state for trial in record.trials] == ["complete"] * 8
    assert record.front == undominated(record)
    confirmed = {trial.number: [r.seed for r in trial.confirmed] for trial in record.trials}
    assert sum(map(bool, confirmed.values())) == 4
    assert set(map(tuple, confirmed.values())) == {(), (11, 12)}
    assert record.base is not None
    assert set(map(str, record.base.summaries)) == {
        "translation/summary",
        "general/summary",
        "translation/summary_test",
        "general/summary_test",
    }
    for trial in record.trials:
        assert splits_of(trial.results) <= {Split.VALIDATION}
        assert splits_of(trial.confirmed) <= {Split.TEST}
    assert len(set(made())) == len(made())
    assert load_sweep(HOME, "toy") == record


def test_the_same_again_runs_nothing_and_writes_nothing(spec: SweepSpec) -> None:
    record = go(small(spec))
    before = {run.info.run_id: (run.info.end_time, run.data.tags) for run in runs()}
    news: list[SweepNews] = []
    again = go(small(spec), runner="tests.sweep.nowhere:run", on_progress=news.append)
    assert again == record
    assert {run.info.run_id: (run.info.end_time, run.data.tags) for run in runs()} == before
    assert not [one for one in news if isinstance(one, TrialEnded | Notice)]


def test_mlflow_shows_the_sweep_as_one_parent_and_a_run_per_trial(spec: SweepSpec) -> None:
    record = go(small(spec, confirm={"seeds": [11]}))
    found = by_name("toy")
    parent = found["toy"]
    assert record.run_id == parent.info.run_id
    assert set(found) == {
        "toy",
        "base",
        "trial 0",
        "trial 1",
        "trial 0, confirming seed 11",
        "trial 1, confirming seed 11",
    }
    trial = found["trial 1"]
    assert trial.data.tags["mlflow.parentRunId"] == parent.info.run_id
    assert record.trials[1].run_id == trial.info.run_id
    assert trial.data.params["lora.rank"] == "8"
    assert trial.data.metrics["general/facts_validation/exact_match"] == pytest.approx(
        0.6, abs=0.01
    )
    assert trial.data.metrics["general/facts_test/exact_match"] == pytest.approx(0.6, abs=0.01)
    assert trial.data.metrics["train/loss"] == 0.25
    assert trial.data.tags["signature/general/facts_validation/exact_match"] == "exact|v1"
    assert {"variant", "fingerprint", "base_model", "feasible"} <= set(trial.data.tags)
    names = {given.dataset.name for given in trial.inputs.dataset_inputs}
    assert "general/facts_validation" in names
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert parent.data.metrics["hypervolume"] > 0
    client = MlflowClient()
    history = client.get_metric_history(parent.info.run_id, "hypervolume")
    assert {metric.step for metric in history} == {1, 2}
    table = client.load_table(parent.info.experiment_id, "front.json")
    assert list(table["trial"])[:2] == [0, 1]
    artifacts = {file.path for file in client.list_artifacts(trial.info.run_id)}
    assert {"config.yaml", "environment.txt"} <= artifacts


def test_runs_of_a_sweep_are_found_by_the_tags_of_earlier_versions(spec: SweepSpec) -> None:
    go(small(spec, confirm={"seeds": [11]}))
    tags = by_name("toy")["trial 1, confirming seed 11"].data.tags
    assert {name: tags[f"harness.{name}"] for name in ("sweep", "phase", "trial", "seed")} == {
        "sweep": "toy",
        "phase": "confirm",
        "trial": "1",
        "seed": "11",
    }


def test_several_seeds_are_runs_below_their_trial(spec: SweepSpec) -> None:
    record = go(small(spec, seeds=(1, 2)), workers=2)
    found = by_name("toy")
    trial = found["trial 0"]
    for seed in (1, 2):
        tags = found[f"trial 0, seed {seed}"].data.tags
        assert tags["mlflow.parentRunId"] == trial.info.run_id
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    values = [r.summaries[parse_key("general/summary")] for r in record.trials[0].results]
    assert len(set(values)) == 2
    assert record.trials[0].values is not None
    assert record.trials[0].values[1] == pytest.approx(sum(values) / 2)
    assert trial.data.metrics["general/summary"] == pytest.approx(sum(values) / 2)


def test_a_failed_trial_has_its_reason_and_the_sweep_goes_on(spec: SweepSpec) -> None:
    record = go(failing(spec, [0.5, 0.1, 0.7]))
    states = [(trial.state, trial.reason) for trial in record.trials]
    assert states[0] == ("failed", "step 3: the loss is not finite")
    assert states[1] == ("complete", None)
    assert "died 3 times" in str(states[2][1])
    found = by_name("toy")
    assert [found[f"trial {n}"].info.status for n in range(3)] == ["FAILED", "FINISHED", "FAILED"]
    assert found["trial 0"].data.tags["reason"] == "step 3: the loss is not finite"
    assert found["toy"].info.status == "FINISHED"


def test_only_failures_are_an_error(spec: SweepSpec) -> None:
    with pytest.raises(EvaluationError, match=r"all 1 trials failed; the first: step 3"):
        go(failing(spec, [0.5]))
    assert by_name("toy")["toy"].info.status == "FAILED"
    assert load_sweep(HOME, "toy").trials[0].state == "failed"


def test_constraints_keep_a_trial_off_the_front(spec: SweepSpec) -> None:
    record = go(small(spec, constraints=("general/summary >= base - 0.2",)))
    assert [trial.feasible for trial in record.trials] == [True, False]
    assert record.front == (0,)
    tags = by_name("toy")["trial 1"].data.tags
    assert tags["feasible"] == "false"
    assert any(key.startswith("broken/general") for key in tags)


@pytest.mark.slow
def test_equal_configurations_are_run_once(spec: SweepSpec) -> None:
    sampler = {"name": "tpe", "startup": 2, "seed": 3}
    record = go(small(spec, sampler=sampler, trials=5), workers=2)
    assert [trial.state for trial in record.trials] == ["complete"] * 5
    assert len([line for line in made() if line.startswith("adapter")]) == 2
    assert len({trial.values for trial in record.trials}) == 2
    assert set(record.front) < set(range(5))
    assert len(record.front) == 2
    shared = [run for run in runs() if "same_as" in run.data.tags]
    assert len(shared) == 3
    assert {run.info.status for run in shared} == {"FINISHED"}


def test_margins_travel_to_the_record(spec: SweepSpec) -> None:
    record = go(small(spec, trials=1, margins={"general": 0.07}))
    assert record.margins["general"] == 0.07
    assert record.margins["bleu"] == 0.5
    assert load_sweep(HOME, "toy").margins == record.margins


def test_a_margin_changed_after_the_sweep_began_is_refused(spec: SweepSpec) -> None:
    go(small(spec, trials=1))
    with pytest.raises(ConfigError, match=r"margins\.bleu: was 0\.5, is 5\.0"):
        go(small(spec, trials=1, margins={"bleu": 5.0}))


def as_if_begun_before(names: Sequence[str]) -> None:
    """Takes settings out of the study's note, as if its version had not known them."""
    study = find_study(journal_path(HOME, "toy", None), None, "toy")
    assert study is not None
    settings = study.notes["spec"]
    study.note(spec={name: value for name, value in settings.items() if name not in names})


def test_a_sweep_of_a_version_without_margins_has_the_defaults_and_goes_on(
    spec: SweepSpec,
) -> None:
    go(small(spec, trials=1))
    as_if_begun_before(["margins", "trials_per"])
    assert load_sweep(HOME, "toy").margins == DEFAULT_MARGINS
    assert len(go(small(spec, trials=2)).trials) == 2


def test_unequal_numbers_of_configurations_are_told_before_anything_runs(
    spec: SweepSpec,
) -> None:
    news: list[SweepNews] = []
    go(spec.replace(confirm=None), on_progress=news.append)
    notices = [one for one in news if isinstance(one, Notice)]
    assert [one.text.partition(".  ")[0][:49] for one in notices] == [
        "configurations by variant.name: sft 2, radis 6. W"
    ]
    assert news.index(notices[0]) == 0


@pytest.mark.slow
def test_methods_that_take_turns_are_tried_equally_often_by_several_workers(
    spec: SweepSpec,
) -> None:
    sampler = {"name": "tpe", "startup": 1}
    spec = spec.replace(sampler=sampler, trials=2, trials_per="variant.name")
    record = go(spec, workers=2)
    methods = [trial.params["variant.name"] for trial in record.trials]
    assert methods == ["sft", "radis"] * 2


def test_a_larger_budget_and_more_confirmation_continue(spec: SweepSpec) -> None:
    go(small(spec, trials=1))
    record = go(small(spec, trials=2, confirm={"seeds": [11]}, question="And now?"))
    assert [trial.state for trial in record.trials] == ["complete"] * 2
    assert all(trial.confirmed for trial in record.trials)
    assert record.question == "And now?"
    assert len(set(made())) == len(made())


def test_another_setting_under_the_same_name_is_refused_by_field(spec: SweepSpec) -> None:
    go(small(spec, trials=1))
    before = made()
    changed = small(spec, trials=1).base.plain()
    changed["train"]["steps"] = 7
    with pytest.raises(ConfigError) as caught:
        go(small(spec, trials=1, base=changed, seeds=(2,)))
    assert "base.train.steps: was None, is 7" in caught.value.message
    assert "seeds: was [1], is [2]" in caught.value.message
    assert "another name" in str(caught.value.hint)
    assert made() == before


def test_changed_benchmark_data_are_refused(spec: SweepSpec, world: Path) -> None:
    go(small(spec, trials=1))
    yaml = world / "benchmarks/general/facts_validation.yaml"
    data = world / "benchmarks/data/general/facts_validation.jsonl"
    old = file_sha256(data)
    data.write_text(data.read_text().replace("Answer 0.", "Answer 9."))
    yaml.write_text(yaml.read_text().replace(old, file_sha256(data)))
    with pytest.raises(ConfigError, match=r"benchmark general/facts_validation: data: changed"):
        go(small(spec, trials=1))


@pytest.mark.slow
def test_what_the_tracking_store_lost_is_written_again(spec: SweepSpec) -> None:
    go(small(spec, confirm={"seeds": [11]}))
    client = MlflowClient()
    lost = ("trial 1", "base", "trial 0, confirming seed 11")
    for name in lost:
        client.delete_run(by_name("toy")[name].info.run_id)
    go(small(spec, confirm={"seeds": [11]}), runner="tests.sweep.nowhere:run")
    found = by_name("toy")
    assert set(lost) <= set(found)
    assert {run.info.status for run in found.values()} == {"FINISHED"}
    assert found["trial 1"].data.metrics["general/summary"] == pytest.approx(0.6, abs=0.01)


def test_a_wrong_tracking_store_is_refused_and_begins_no_study(spec: SweepSpec) -> None:
    with pytest.raises(ConfigError, match="no longer writes to file stores"):
        go(small(spec), tracking_uri="file:./mlruns")
    assert sorted(file.name for file in (HOME / "sweeps" / "toy").iterdir()) == ["lock"]


def test_two_at_once_in_one_home_are_refused(spec: SweepSpec) -> None:
    folder = HOME / "sweeps" / "toy"
    with (
        run_module._locked(folder, "toy"),
        pytest.raises(ConfigError, match=r"already running in this home \(process \d+\)"),
    ):
        go(small(spec))


def test_an_unknown_sweep_is_told_with_those_there_are(spec: SweepSpec) -> None:
    go(small(spec, trials=1))
    with pytest.raises(ConfigError, match=r"unknown sweep 'toi'; did you mean 'toy'\?"):
        load_sweep(HOME, "toi")


def test_a_sweeps_name_alone_says_which_trial_it_means(
    spec: SweepSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    # ranks 4 and 8: translation 4/16 and 8/16, general 1 - 4/20 and 1 - 8/20; the larger sum stands
    go(small(spec, constraints=()))
    where: dict[str, Any] = {"home": HOME, "tracking_uri": None, "storage": None}
    capsys.readouterr()
    named = read_candidate("sweep:toy", **where)
    assert named.name == "sweep:toy:1"
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "sweep:toy means sweep:toy:1, its runs of the sweep; variant.name sft, lora.rank 8; on "
        "validation translation/summary 0.50"
    )
    assert read_candidate("sweep:toy:0", **where).name == "sweep:toy:0"
    assert capsys.readouterr().err == ""


def test_progress_is_told_as_it_comes(spec: SweepSpec) -> None:
    news: list[SweepNews] = []
    go(small(spec, confirm={"seeds": [11]}), on_progress=news.append)
    ended = [one for one in news if isinstance(one, TrialEnded)]
    assert [one.number for one in ended] == [0, 1]
    snapshots = [one for one in news if isinstance(one, Snapshot)]
    assert {one.phase for one in snapshots} == {"search", "confirm"}
    last = snapshots[-1]
    assert (last.complete, last.failed, last.total, last.front) == (2, 0, 2, 2)


def test_a_benchmark_at_its_floor_is_told_of_before_anything_is_trained(spec: SweepSpec) -> None:
    news: list[SweepNews] = []
    adapters: list[int] = []

    def note(one: SweepNews) -> None:
        news.append(one)
        if isinstance(one, Notice):
            adapters.append(sum(line.startswith("adapter") for line in made()))

    settings = {"runner": "tests.sweep.fake:at_the_floor", "on_progress": note}
    go(small(spec, trials=1), workers=2, **settings)
    told = [one.text for one in news if isinstance(one, Notice)]
    assert told == [
        f"{suite} cannot tell configurations apart: base scores 0.000 on 3 of 3 items"
        for suite in ("general", "general (test)")
    ]
    assert adapters == [0, 0]
    go(small(spec, trials=2), **settings)
    assert len([one for one in news if isinstance(one, Notice)]) == 4


def test_the_report_goes_to_the_sweeps_run(spec: SweepSpec) -> None:
    def report(record: SweepRecord, folder: Path) -> list[Path]:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "front.html").write_text(json.dumps(record.front))
        return [folder / "front.html"]

    record = go(small(spec), report=report)
    assert record.run_id is not None
    files = [file.path for file in MlflowClient().list_artifacts(record.run_id, "report")]
    assert files == ["report/front.html"]


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["grid", "random"])
def test_results_do_not_depend_on_the_number_of_workers(
    spec: SweepSpec, sampler: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = spec.replace(sampler=sampler, trials=4)

    def scores(workers: int) -> list[Any]:
        record = run_sweep(
            spec,
            home=Path(f"home-{workers}"),
            workers=workers,
            runner=FAKE,
            tracking_uri=f"sqlite:///{workers}.db",
        )
        return [(t.params, t.values, [r.scores for r in t.confirmed]) for t in record.trials]

    assert scores(1) == scores(3)
