import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import EXIT_USER, ConfigError
from harness.settings.spec import file_sha256
from harness.settings.yaml import parse_override
from harness.sweep.made_from import made_from
from harness.sweep.progress import Notice
from harness.sweep.record import journal_path
from harness.sweep.run import run_sweep
from harness.sweep.spec import check_sweep, load_sweep_spec
from harness.sweep.study import Study, find_study, open_study
from harness.sweep.unchanged import check_begun, check_unchanged
from tests.projects import write_corpus
from tests.sweep.conftest import SWEEP, write_model, write_world

FACTS = "benchmarks/general/facts_validation.yaml"
FEW = ("trials=2", "confirm=null", "seeds=[1]")


def contents(file: Path, *overrides: str) -> dict[str, str]:
    checked = check_sweep(file, tuple(map(parse_override, overrides)))
    return made_from(checked.spec, checked.selection)


def go(file: Path, home: Path, *overrides: str, **settings: Any) -> Any:
    spec = load_sweep_spec(file, tuple(map(parse_override, (*FEW, *overrides))))
    settings = {"runner": "tests.sweep.fake:run", **settings}
    return run_sweep(spec, home=home, **settings)


def rewrite(path: str, old: str, new: str) -> Callable[[], None]:
    def change() -> None:
        text = Path(path).read_text()
        assert old in text
        Path(path).write_text(text.replace(old, new))

    return change


def other_data() -> None:
    data = Path("benchmarks/data/general/facts_validation.jsonl")
    old = file_sha256(data)
    data.write_text(data.read_text().replace("Answer 0.", "Answer 9."))
    rewrite(FACTS, old, file_sha256(data))()


def other_weights() -> None:
    header = b'{"__metadata__": {}}'
    Path("model/model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)


CHANGES: list[tuple[str, Callable[[], object], set[str]]] = [
    ("corpus", lambda: write_corpus(Path("train.jsonl"), ["Esel"]), {"corpus train: text"}),
    (
        "tokenizer",
        rewrite("model/tokenizer.json", "{}", '{"type": "BPE"}'),
        {"model: weights, tokenizer or configuration"},
    ),
    (
        "chat template",
        rewrite("model/chat_template.jinja", "messages", "messages | list"),
        {"model: chat template", "model: weights, tokenizer or configuration"},
    ),
    ("weights", other_weights, {"model: weights, tokenizer or configuration"}),
    (
        "prompt",
        rewrite(FACTS, "{{prompt}}", "Say nothing. {{prompt}}"),
        {"benchmark general/facts_validation: how it is asked"},
    ),
    (
        "decoding",
        rewrite(FACTS, "max_gen_toks: 8", "max_gen_toks: 9"),
        {"benchmark general/facts_validation: how it is asked"},
    ),
    (
        "extraction",
        rewrite(FACTS, "    split:", "    extract: first_paragraph\n    split:"),
        {"benchmark general/facts_validation: how it is asked"},
    ),
    ("data", other_data, {"benchmark general/facts_validation: data"}),
    (
        "best",
        rewrite(FACTS, "best: 1.0", "best: 2.0"),
        {"suite general/summary: scale"},
    ),
    (
        "worst",
        rewrite(FACTS, "worst: 0.0", "worst: 0.1"),
        {"suite general/summary: scale"},
    ),
    (
        "chance",
        rewrite(FACTS, "best: 1.0", "best: 1.0\n      chance: 0.25"),
        {"suite general/summary: scale"},
    ),
    (
        "version",
        rewrite(FACTS, "version: 1.0", "version: 2.0"),
        {"benchmark general/facts_validation: metric exact_match"},
    ),
]


@pytest.mark.parametrize(
    ("change", "named"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES]
)
def test_what_changed_has_its_name(
    sweep_file: Path, change: Callable[[], object], named: set[str]
) -> None:
    before = contents(sweep_file)
    change()
    after = contents(sweep_file)
    assert {name for name, digest in before.items() if after.get(name) != digest} == named


def test_a_files_time_and_a_copy_elsewhere_change_nothing(sweep_file: Path) -> None:
    before = contents(sweep_file)
    shutil.copytree("model", "elsewhere")
    shutil.copy("train.jsonl", "moved.jsonl")
    Path("model/README.md").write_text("Mine.")
    moved = contents(sweep_file, "base.model.path=elsewhere", "base.data.train.path=moved.jsonl")
    assert moved == before


def test_another_adapter_on_the_model_counts(sweep_file: Path) -> None:
    write_model(Path("adapter"))
    shutil.move("adapter/model.safetensors", "adapter/adapter_model.safetensors")
    config = Path("adapter/adapter_config.json")
    config.write_text('{"base_model_name_or_path": "here", "r": 8}')
    given = ("base.model.adapter=adapter",)
    before = contents(sweep_file, *given)
    config.write_text('{"base_model_name_or_path": "there", "r": 8}')
    assert contents(sweep_file, *given) == before
    config.write_text('{"base_model_name_or_path": "here", "r": 4}')
    after = contents(sweep_file, *given)
    assert [name for name in before if after[name] != before[name]] == ["model: adapter"]


def test_the_files_of_every_method_that_is_searched_count(sweep_file: Path) -> None:
    write_model(Path("teacher"))
    teacher = "{name: seqkd, teacher: {path: teacher}}"
    given = (f"base.variant={teacher}", "space={variant.name: [seqkd, sft]}")
    before = contents(sweep_file, *given)
    Path("teacher/chat_template.jinja").write_text("Other.")
    after = contents(sweep_file, *given)
    changed = {name for name, digest in before.items() if after[name] != digest}
    assert "method seqkd, teacher: chat template" in changed
    assert not any(name.startswith(("model", "corpus", "benchmark")) for name in changed)


def test_every_corpus_that_is_searched_counts(sweep_file: Path) -> None:
    write_corpus(Path("other.jsonl"), ["Otter"])
    given = ("space={data.train.path: [train.jsonl, other.jsonl]}", "confirm=null")
    before = contents(sweep_file, *given)
    write_corpus(Path("other.jsonl"), ["Uhu"])
    after = contents(sweep_file, *given)
    assert {name for name in before if after[name] != before[name]} == {"corpus train: text"}


def test_searched_corpora_that_change_places_are_a_change(sweep_file: Path) -> None:
    write_corpus(Path("other.jsonl"), ["Otter"])
    given = ("space={data.train.path: [train.jsonl, other.jsonl]}", "confirm=null")
    before = contents(sweep_file, *given)
    texts = [Path(name).read_text() for name in ("train.jsonl", "other.jsonl")]
    for name, text in zip(("other.jsonl", "train.jsonl"), texts, strict=True):
        Path(name).write_text(text)
    after = contents(sweep_file, *given)
    assert {name for name in before if after[name] != before[name]} == {"corpus train: text"}


def test_a_metrics_own_file_counts_and_not_where_it_lies(sweep_file: Path, world: Path) -> None:
    rewrite(FACTS, "- exact_match", "- exact_match\n    - judge_grade")()
    for folder in ("one", "two"):
        (world / folder).mkdir()
        (world / folder / "prompts.jsonl").write_text("{}")

    def name(folder: str) -> str:
        return f"base.eval.metrics.judge_grade.prompts={folder}/prompts.jsonl"

    before = contents(sweep_file, name("one"))
    assert contents(sweep_file, name("two")) == before
    (world / "one/prompts.jsonl").write_text("{ }")
    after = contents(sweep_file, name("one"))
    assert [key for key in before if after[key] != before[key]] == [
        "benchmark general/facts_validation: metric judge_grade"
    ]


def test_a_sweep_over_changed_files_is_refused_and_every_one_of_them_named(
    sweep_file: Path, world: Path
) -> None:
    home = world / "home"
    go(sweep_file, home)
    made = (home / "made.log").read_text()
    write_corpus(Path("train.jsonl"), ["Esel"])
    rewrite(FACTS, "{{prompt}}", "Say nothing. {{prompt}}")()
    rewrite("benchmarks/general/facts_test.yaml", "best: 1.0", "best: 2.0")()
    with pytest.raises(ConfigError) as caught:
        go(sweep_file, home, "trials=4", "base.train.steps=7")
    assert caught.value.exit_code == EXIT_USER
    assert caught.value.message.splitlines() == [
        "sweep toy: base.train.steps: was None, is 7",
        "sweep toy: corpus train: text: changed since the sweep began",
        "sweep toy: benchmark general/facts_validation: how it is asked: changed since the sweep "
        "began",
        "sweep toy: suite general/summary_test: scale: changed since the sweep began",
    ]
    assert "2 trials were made" in str(caught.value.hint)
    assert "another name" in str(caught.value.hint)
    assert (home / "made.log").read_text() == made


def test_a_plan_of_the_rest_of_a_changed_sweep_is_refused_too(
    sweep_file: Path, world: Path
) -> None:
    overrides = tuple(map(parse_override, FEW))
    check_begun(check_sweep(sweep_file, overrides), home=world / "home", storage=None)
    go(sweep_file, world / "home")
    check_begun(check_sweep(sweep_file, overrides), home=world / "home", storage=None)
    write_corpus(Path("train.jsonl"), ["Esel"])
    with pytest.raises(ConfigError, match="corpus train: text: changed since the sweep began"):
        check_begun(check_sweep(sweep_file, overrides), home=world / "home", storage=None)


def test_a_benchmark_that_is_gone_is_refused(sweep_file: Path, world: Path) -> None:
    go(sweep_file, world / "home")
    Path("benchmarks/translation/en_de_test.yaml").unlink()
    with pytest.raises(ConfigError, match=r"en_de_test: data: is gone since the sweep began"):
        go(sweep_file, world / "home")


def test_a_benchmark_more_that_counts_in_no_summary_is_no_change(
    sweep_file: Path, world: Path
) -> None:
    go(sweep_file, world / "home", "trials=1")
    text = Path(FACTS).read_text().replace("general_facts", "general_more")
    head, _, tail = text.partition("    summary:\n")
    rest = tail.partition("    data_sha256")
    Path("benchmarks/general/more_validation.yaml").write_text(f"{head}    data_sha256{rest[2]}")
    assert len(go(sweep_file, world / "home").trials) == 2


def test_a_corpus_changed_while_the_sweep_ran_is_not_confirmed_by(
    sweep_file: Path, world: Path
) -> None:
    changed = []

    def change(news: object) -> None:
        if not changed:
            changed.append(news)
            write_corpus(Path("train.jsonl"), ["Esel"])

    with pytest.raises(ConfigError, match="corpus train: text: changed since the sweep began"):
        go(sweep_file, world / "home", "confirm={seeds: [11]}", on_progress=change)
    record = find_study(journal_path(world / "home", "toy", None), None, "toy")
    assert record is not None
    assert record.confirmed() == {}
    assert [trial.state for trial in record.trials()] == ["complete"] * 2


SEARCHED = {
    "settings": "",
    "corpora": "  data.train.path: [train.jsonl, other/train.jsonl]\n",
    "corpora_of_a_method": "  data.train: [{path: train.jsonl}, {path: other/train.jsonl}]\n",
}


@pytest.mark.parametrize("searched", SEARCHED.values(), ids=SEARCHED)
def test_from_a_moved_folder_and_another_working_directory_it_goes_on(
    searched: str, tracked_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = tracked_folder / "first", tracked_folder / "second"
    write_world(first)
    (first / "other").mkdir()
    write_corpus(first / "other" / "train.jsonl", ["Otter"])
    write_corpus(tracked_folder / "train.jsonl", ["Esel"])
    base = "  eval: {folder: benchmarks, suites: [translation, general]}"
    text = SWEEP.replace("  eval: {suites: [translation, general]}", base)
    (first / "toy.yaml").write_text(text.replace("space:\n", f"space:\n{searched}"))
    monkeypatch.chdir(first)
    tracked = {"tracking_uri": f"sqlite:///{tracked_folder / 'mlflow.db'}"}
    go(Path("toy.yaml"), tracked_folder / "home", "trials=1", **tracked)
    first.rename(second)
    monkeypatch.chdir(tracked_folder)
    record = go(second / "toy.yaml", tracked_folder / "home", "trials=2", **tracked)
    assert [trial.state for trial in record.trials] == ["complete"] * 2
    assert record.spec["base"]["model"]["path"] == "second/model"


def test_a_file_named_now_and_not_before_is_a_setting_that_changed(
    sweep_file: Path, world: Path
) -> None:
    go(sweep_file, world / "home")
    Path("mine.jinja").write_text("{{ messages[0].content }}")
    with pytest.raises(ConfigError, match=r"base\.model\.chat_template: was not set"):
        go(sweep_file, world / "home", "base.model.chat_template=mine.jinja")


def test_what_was_begun_and_made_nothing_may_still_change(sweep_file: Path, world: Path) -> None:
    checked = check_sweep(sweep_file)
    study = open_study(journal_path(world / "home", "toy", None), None, "toy", [True, True])
    study.note(spec=checked.spec.plain(), made_from={"corpus train: text": "other"})
    assert check_unchanged(study, checked.spec, contents(sweep_file), world / "home") == ()
    study.note(base="0" * 16)
    with pytest.raises(ConfigError, match="corpus train: text: changed"):
        check_unchanged(study, checked.spec, contents(sweep_file), world / "home")


def noted_as_before(home: Path, **notes: Any) -> Study:
    """The sweep as an earlier version left it: with the checksums of its benchmarks alone."""
    study = find_study(journal_path(home, "toy", None), None, "toy")
    assert study is not None
    checked = check_sweep(Path("toy.yaml"))
    sums = {one.key: one.data_sha256 for one in checked.selection.benchmarks}
    study._study.set_user_attr("made_from", None)
    study.note(benchmarks=sums, **notes)
    return study


def test_of_an_older_sweep_what_was_not_noted_is_told_once_and_noted(
    sweep_file: Path, world: Path
) -> None:
    home = world / "home"
    go(sweep_file, home, "trials=1")
    noted_as_before(home)
    news: list[Any] = []
    go(sweep_file, home, on_progress=news.append)
    told = [one.text for one in news if isinstance(one, Notice) and "not verified" in one.text]
    assert len(told) == 1
    assert "corpus train" in told[0]
    news.clear()
    go(sweep_file, home, on_progress=news.append)
    assert not [one for one in news if isinstance(one, Notice) and "not verified" in one.text]
    write_corpus(Path("train.jsonl"), ["Esel"])
    with pytest.raises(ConfigError, match="corpus train: text: changed"):
        go(sweep_file, home)


@pytest.mark.parametrize(
    "fingerprint_of",
    [lambda study: study.notes["base"], lambda study: study.trials()[0].notes["runs"]["1"]],
    ids=["base", "trial"],
)
def test_an_older_sweep_is_held_against_what_its_results_tell(
    sweep_file: Path, world: Path, fingerprint_of: Callable[[Study], str]
) -> None:
    home = world / "home"
    go(sweep_file, home, "trials=1")
    study = noted_as_before(home)
    file = home / "trials" / f"{fingerprint_of(study)}.json"
    stored = json.loads(file.read_text())
    stored["results"][0]["tags"]["corpus/train"] = file_sha256(Path("train.jsonl"))
    file.write_text(json.dumps(stored))
    go(sweep_file, home, "trials=1")
    noted_as_before(home)
    write_corpus(Path("train.jsonl"), ["Esel"])
    with pytest.raises(ConfigError, match="corpus train: text: changed since the sweep began"):
        go(sweep_file, home)


def test_changed_data_of_an_older_sweep_are_refused(sweep_file: Path, world: Path) -> None:
    go(sweep_file, world / "home", "trials=1")
    noted_as_before(world / "home")
    other_data()
    with pytest.raises(ConfigError, match="benchmark general/facts_validation: data: changed"):
        go(sweep_file, world / "home")
