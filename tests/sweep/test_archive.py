"""A sweep in one file: what is in it, and that it is a home where nothing need be trained again."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from harness.errors import ConfigError, DataError
from harness.evaluation.systems import system_of_results
from harness.records import Split, StageEvent, TrialResult, parse_key
from harness.statistics.margins import DEFAULT_MARGINS
from harness.statistics.samples import compare_with_last
from harness.sweep.archive import archive_sweep
from harness.sweep.budget import planned
from harness.sweep.configurations import configure
from harness.sweep.goals import judge
from harness.sweep.record import journal_path, load_sweep, objective_note
from harness.sweep.spec import SweepSpec, check_sweep
from harness.sweep.study import open_study
from harness.trial.run import run_trial
from tests.projects import write_project

CHRF = "mini_translation/en_de_test/chrf"
ADDED = "mini_translation/en_de_test/chrf_pp"


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_model_dir):
    """A folder with a project, where a sweep of two trials was run and each confirmed."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(tiny_model_dir, folder / "model")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        run_small_sweep(spec_of_sweep(), Path("home"))
        archive_sweep("small", Path("small.tar.xz"), home=Path("home"))
    return folder


@pytest.fixture
def unpacked(project, tmp_path, monkeypatch):
    """The project as somebody else has it, with the archive unpacked as its home."""
    for name in ("model", "benchmarks"):
        shutil.copytree(project / name, tmp_path / name)
    for name in ("train.jsonl", "validation.jsonl"):
        shutil.copy(project / name, tmp_path / name)
    with tarfile.open(project / "small.tar.xz") as archive:
        archive.extractall(tmp_path / "home", filter="data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def spec_of_sweep() -> SweepSpec:
    config = write_project(Path(), Path("model"), variant={"name": "sft"})
    return SweepSpec(
        name="small",
        question="Which?",
        base=config,
        space={"lora.rank": {"values": (2, 4)}},
        objectives=({"key": "mini_translation/summary"},),
        sampler={"name": "grid"},
        confirm={"seeds": (7,), "members": "all"},
    )


def run_small_sweep(spec: SweepSpec, home: Path) -> None:
    """As ``run_sweep`` does, in this process and without a tracking store."""
    objectives = check_sweep(spec).objectives()
    study = open_study(journal_path(home, spec.name, None), None, spec.name, [True])
    study.note(spec=spec.plain(), objectives=list(map(objective_note, objectives)), benchmarks={})
    study.prepare(spec, planned(spec))
    base = run_trial(spec.configure({"variant.name": "base"}, seed=1), home=home)
    study.note(base=base.fingerprint)
    while (asked := study.ask(2)) is not None:
        number, params = asked
        splits = {1: Split.VALIDATION, 7: Split.TEST}
        runs = {
            seed: run_trial(spec.configure(params, seed=seed, splits=[split]), home=home)
            for seed, split in splits.items()
        }
        study.note_trial(number, runs={"1": runs[1].fingerprint})
        study.tell(number, judge([runs[1]], base, objectives, []).values, {})
        study.note_confirmed(number, 7, runs[7].fingerprint)


def members(archive: Path) -> dict[str, bytes]:
    with tarfile.open(archive) as opened:
        return {
            entry.name: opened.extractfile(entry).read()  # type: ignore[union-attr]
            for entry in opened
        }


def one_metric_more(folder: Path) -> None:
    """Writes chrF++ into the test benchmark of translation."""
    path = folder / "benchmarks/mini_translation/en_de_test.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('["chrf"', '["chrf_pp", "chrf"'), encoding="utf-8")


def rescored(number: int) -> tuple[TrialResult, set[str]]:
    """A confirming run of a trial once more, and the stages that were made for it."""
    made: set[str] = set()

    def on_event(event: object) -> None:
        if isinstance(event, StageEvent) and event.state == "done":
            made.add(event.stage)

    params = load_sweep(Path("home"), "small").trials[number].params
    spec = spec_of_sweep()
    one_metric_more(Path())
    config = configure(spec.base.replace(name="again"), params, seed=7, splits=[Split.TEST])
    return run_trial(config, home=Path("home"), on_event=on_event), made


def test_a_sweep_is_read_from_its_archive_as_from_its_home(project, unpacked):
    there, here = load_sweep(project / "home", "small"), load_sweep(Path("home"), "small")
    assert len(here.trials) == 2
    assert here == there


def test_trials_of_an_archive_are_compared(unpacked):
    trials = load_sweep(Path("home"), "small").trials
    systems = [system_of_results(f"#{one.number}", one.confirmed, [CHRF]) for one in trials]
    (line,), _ = compare_with_last(systems, DEFAULT_MARGINS)
    values = [one.confirmed[0].scores[parse_key(CHRF)].value for one in trials]
    assert line.difference.value == pytest.approx(values[0] - values[1], abs=1e-9)
    assert line.difference.items_only


def test_every_answer_is_in_an_archive_and_no_weight_or_training_text(project):
    names = members(project / "small.tar.xz")
    answers = [name for name in names if name.endswith("predictions.jsonl")]
    # two benchmarks a split: of the base both splits, of each trial validation, then test
    assert len(answers) == 4 + 2 * 2 * 2
    assert len([name for name in names if name.endswith("curves.jsonl")]) == 4
    assert not [name for name in names if name.endswith((".safetensors", ".bin"))]
    assert not [name for name in names if "/examples/" in name and "manifest" not in name]


def test_an_archive_without_texts_is_compared_alike_and_holds_nothing_that_was_said(
    project, tmp_path
):
    archive_sweep("small", tmp_path / "scores.tar.xz", home=project / "home", texts=False)
    with tarfile.open(tmp_path / "scores.tar.xz") as archive:
        archive.extractall(tmp_path / "home", filter="data")
    there, here = load_sweep(project / "home", "small"), load_sweep(tmp_path / "home", "small")
    assert [one.confirmed for one in here.trials] == [one.confirmed for one in there.trials]
    texts = {
        text
        for path in (project / "home/store/predictions").rglob("predictions.jsonl")
        for line in path.read_text(encoding="utf-8").splitlines()
        for text in (json.loads(line)["prompt"], json.loads(line)["output"])
        if len(text) > 20
    }
    assert texts
    for name, content in members(tmp_path / "scores.tar.xz").items():
        assert not [text for text in texts if text.encode() in content], name


def test_an_archive_of_a_project_in_the_working_directory_names_no_absolute_path(project):
    roots = {bytes(Path(root)) for root in (project, Path.home(), Path.cwd())} - {b"/"}
    for name, content in members(project / "small.tar.xz").items():
        assert not name.startswith("/")
        assert not [root for root in roots if root in content], name


def test_archives_of_one_sweep_are_equal_to_the_byte_wherever_the_home_is(project, tmp_path):
    shutil.copytree(project / "home", tmp_path / "moved")
    archive_sweep("small", tmp_path / "again.tar.xz", home=tmp_path / "moved")
    assert (tmp_path / "again.tar.xz").read_bytes() == (project / "small.tar.xz").read_bytes()


def test_another_metric_scores_the_answers_of_an_archive_without_a_training(project, unpacked):
    first = load_sweep(Path("home"), "small").trials[1].confirmed[0]
    again, made = rescored(1)
    assert made.isdisjoint({"corpus", "examples", "completions", "adapter"})
    assert not list(Path("home/store").rglob("*.safetensors"))
    assert again.stages == first.stages
    assert again.scores[parse_key(CHRF)] == first.scores[parse_key(CHRF)]
    assert parse_key(ADDED) not in first.scores
    assert 0 <= again.scores[parse_key(ADDED)].value <= 100
    kept = {name: x for name, x in first.facts.items() if not name.startswith("cost/peak")}
    assert {name: again.facts[name] for name in kept} == kept


def test_what_needs_an_adapter_says_that_it_was_left_out_and_how_to_make_it(unpacked):
    spec = spec_of_sweep()
    path = Path("benchmarks/mini_translation/en_de_test.yaml")
    path.write_text(path.read_text().replace("max_gen_toks: 12", "max_gen_toks: 9"))
    config = spec.configure({"lora.rank": 2}, seed=7, splits=[Split.TEST])
    with pytest.raises(DataError, match=r"adapter [0-9a-f]{8}: its files were left out"):
        run_trial(config, home=Path("home"))
    for stage in ("adapter", "examples"):
        shutil.rmtree(Path("home/store") / stage)  # as `harness clean --stage` does
    assert run_trial(config, home=Path("home")).stages["adapter"]


def test_a_sweep_that_is_not_there_is_told_with_those_that_are(project, tmp_path):
    with pytest.raises(ConfigError, match="unknown sweep 'smal'; did you mean 'small'"):
        archive_sweep("smal", tmp_path / "a.tar.xz", home=project / "home")
    assert not list(tmp_path.iterdir())
