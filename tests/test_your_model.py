"""The guide for users' own files: its YAML loads, its commands parse, its links lead somewhere."""

import hashlib
import json
import re
import shlex
import shutil
from pathlib import Path

import pytest
import yaml
from click import Context
from click.testing import CliRunner

from harness.benchmarks.read import find_benchmarks
from harness.cli.main import main
from harness.data.spec import DataSpec
from harness.errors import ConfigError
from harness.storage.results import read_results
from harness.sweep.spec import check_sweep
from tests.projects import write_lines

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/your-model.md"
TEXT = PAGE.read_text(encoding="utf-8")
BENCHMARK, SWEEP, MORE, CHATS = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
DATA = (ROOT / "docs/data.md").read_text(encoding="utf-8")
(CORPUS,) = re.findall(r"```yaml\n(.*?)```", DATA, re.DOTALL)
COMMANDS = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("harness ")
]
STAGES = [line for line in COMMANDS if "refus" in line]
# A sweep of one trial on one item is a sweep.
SHORTENED = {
    "run": "--set train.epochs=1 --no-tracking",
    "export": "--set train.epochs=1",
    "sweep": "--trials 1 --set base.train.steps=1 --set base.eval.limit=1",
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder as the page describes it, with a row or two in every file."""
    shutil.copytree(ROOT / "benchmarks/general", tmp_path / "benchmarks/general")
    data = tmp_path / "data"
    write_lines(data / "gsm8k/train.jsonl", [{"question": "1 + 1?", "answer": "#### 2"}])
    (data / "commonsense").mkdir()
    for split in ("train", "test"):
        rows = json.dumps([{"instruction": f"Which to {split}?", "answer": "answer1"}])
        file = data / f"commonsense/ARC-Challenge.{split}.json"
        file.write_text(rows, encoding="utf-8")
    test_set = tmp_path / "benchmarks/general/arc_challenge_test.yaml"
    checksum = f"data_sha256: {hashlib.sha256(rows.encode()).hexdigest()}"
    test_set.write_text(re.sub(r"data_sha256: \w+", checksum, test_set.read_text()))
    monkeypatch.setenv("HARNESS_DATA", str(data))
    suite = tmp_path / "benchmarks/mine"
    suite.mkdir()
    pairs = re.search(r"```\n(source\ttarget\n.*?)```", TEXT, re.DOTALL).group(1)
    (tmp_path / "mine").mkdir()
    (tmp_path / "models/my-chat-model").mkdir(parents=True)
    (tmp_path / "mine/train.tsv").write_text(pairs, encoding="utf-8")
    for split in ("validation", "test"):
        (suite / f"{split}.tsv").write_text(pairs, encoding="utf-8")
        text = BENCHMARK.replace("validation", split)
        (suite / f"en_fr_{split}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def staged_place(place, tiny_model_dir, monkeypatch):
    """That folder with a model, and the files of the page's part on tuning in stages."""
    monkeypatch.chdir(place)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{place}/mlflow.db")
    shutil.copytree(tiny_model_dir, place / "models/my-chat-model", dirs_exist_ok=True)
    chat = re.search(r"```\n(\{\"messages\".*?\n)```", TEXT, re.DOTALL).group(1)
    for name in ("refusals", "refusals_held_out"):
        (place / f"mine/{name}.jsonl").write_text(chat, encoding="utf-8")
    (place / "mine/refusals.yaml").write_text(CHATS, encoding="utf-8")
    (place / "mine/mine.yaml").write_text(SWEEP, encoding="utf-8")
    return place


def loaded(place, text):
    path = place / "mine/mine.yaml"
    path.write_text(text, encoding="utf-8")
    return check_sweep(path).spec


def test_ten_lines_are_a_sweep(place) -> None:
    assert len(SWEEP.splitlines()) == 10
    spec = loaded(place, SWEEP)
    assert spec.base.model.path == str(place / "models/my-chat-model")
    keys = {one.key for one in find_benchmarks(spec.base.eval)}
    assert {"mine/en_fr_validation", "mine/en_fr_test", "general/gsm8k_validation"} <= keys


def test_the_lines_to_add_fit_them(place) -> None:
    spec = loaded(place, SWEEP + MORE)
    assert spec.confirm is not None
    assert len(spec.constraints) == 1


def test_without_the_test_data_nothing_can_be_confirmed_and_it_is_said_at_once(place) -> None:
    (place / "data/commonsense/ARC-Challenge.test.json").unlink()
    with pytest.raises(ConfigError, match=r"'general/summary' cannot be confirmed here: general/"):
        loaded(place, SWEEP + MORE)


def test_the_setting_named_in_the_text_can_be_searched(place) -> None:
    setting = re.search(r"for example\s`(variant\.rationale_weight: .*)`", TEXT)
    line = next(one for one in SWEEP.splitlines() if one.startswith("space: "))
    spec = loaded(place, SWEEP.replace(line, f"{line[:-1]}, {setting.group(1)}}}"))
    assert "variant.rationale_weight" in spec.space


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_of_it_parses(line, place, monkeypatch) -> None:
    loaded(place, SWEEP)
    monkeypatch.chdir(place)
    _, name, *rest = shlex.split(line)
    command = main.get_command(Context(main), name)
    assert command is not None
    command.make_context(name, rest)


@pytest.mark.slow
def test_its_stages_are_tuned_one_on_the_other(staged_place) -> None:
    assert [line.split()[1] for line in STAGES] == ["data", "run", "export", "sweep"]
    for line in STAGES:
        words = shlex.split(f"{line} {SHORTENED.get(line.split()[1], '')}")
        done = CliRunner().invoke(main, words[1:])
        assert done.exit_code == 0, f"{line}\n{done.output}"
    (sweep,) = (staged_place / ".harness/sweeps").iterdir()
    assert sweep.name == "staged"
    results = [read_results(path)[0] for path in (staged_place / ".harness/trials").iterdir()]
    named = {(one.variant, one.config["model"]["path"]) for one in results}
    assert ("chat", "models/my-chat-model") in named
    assert ("base", "models/refusing") in named
    assert named & {("sft", "models/refusing"), ("radis", "models/refusing")}
    (first,) = (one for one in results if one.variant == "chat")
    assert "train/loss_validation/reply" in first.facts


def test_it_is_short_and_its_links_lead_somewhere() -> None:
    assert len(TEXT.splitlines()) < 165
    named = re.findall(r"\]\((?!http)([^)]+)\)", TEXT)
    assert named
    assert [name for name in named if not (PAGE.parent / name).exists()] == []


def test_the_corpus_is_what_a_trial_takes(place):
    data = DataSpec.model_validate(yaml.safe_load(CORPUS)["data"])
    assert (data.train.source_lang, data.train.target_lang) == ("en", "fr")
