"""The rows of `sweeps/results/real_data.md`, made again: what is cheap at once, the rest when slow.

A row that is no longer what the table says fails.
"""

import importlib.util
import json
import re
from collections import Counter
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from harness.cli.main import main
from harness.settings.spec import load_spec
from harness.trial.config import TrialConfig
from tests.outside import DATA, outside
from tests.toys.families import save_toy

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "sweeps/real"
TABLE = (ROOT / "sweeps/results/real_data.md").read_text(encoding="utf-8")
needs_made = outside("gsm8k", "multijail", "ntrex", "xstest")
PUBLISHED = {
    "Online-A": ("36.52531053341122", "63.85528694212632"),
    "Online-B": ("38.36852355513645", "64.64010318069295"),
}
GSM8K = ("published", "dollars", "prose", "talkative", "every-third-wrong")
XSTEST = ("llama2orig", "mistralguard")
THAI = ("reference", "untranslated", "next-row")


def script(name):
    """A script of the folder, as a module."""
    spec = importlib.util.spec_from_file_location(f"real_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def harness(*words):
    """The document a command prints."""
    result = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def score(path, *metrics, items=None):
    wanted = [] if items is None else ["--items", items]
    return harness("score", path, "--metric", *metrics, *wanted)["scores"]


def row(*cells):
    return "| " + " | ".join(cells) + " |"


def wmt22_rows():
    side = DATA / "wmt22/generaltest2022.en-de"
    files = ("--reference", f"{side}.ref.A.de", "--source", f"{side}.src.en")
    spoken = ("--source-lang", "en", "--target-lang", "de")
    metrics = ("--metric", "bleu", "chrf", "off_target")
    for system in PUBLISHED:
        scores = harness("score", f"{side}.hyp.{system}.de", *files, *spoken, *metrics)["scores"]
        assert {one["items"] for one in scores} == {2037}
        yield row(system, *(repr(one["value"]) for one in scores[:2]), f"{scores[2]['value']:.4f}")


def labelled(path, metric, scratch):
    """A line of the agreement of a metric with labels; the share it judges so is its score."""
    (one,) = score(path, metric, items=scratch)
    line = script("agreement").agreement(path, scratch, metric)
    assert line.split(" | ")[4] == f"{one['value']:.3f}"
    return line


def gsm8k_rows(made, scratch):
    for system in GSM8K:
        for metric in ("number_strict", "number_flexible"):
            yield labelled(made / f"gsm8k-{system}.jsonl", metric, scratch)


def xstest_rows(made, scratch):
    for system in XSTEST:
        for part in ("all", "safe", "unsafe"):
            metric = "over_refusal" if part == "safe" else "refusal"
            yield labelled(made / f"xstest-{system}-{part}.jsonl", metric, scratch)


def thai_rows(made):
    for system in THAI:
        scores = score(made / f"ntrex-th-{system}.jsonl", "bleu", "chrf", "off_target")
        assert "|tok:char|" in scores[0]["signature"]
        assert scores[2]["signature"].endswith("|rule:4")
        yield row(
            system, *(f"{one['value']:.2f}" for one in scores[:2]), f"{scores[2]['value']:.4f}"
        )


def found(overlap):
    """How often which kind of match was found on which side."""
    counts = Counter(f"{one['kind']} {one['place']}" for one in overlap["matches"])
    return ", ".join(f"{kind} {count}" for kind, count in counts.most_common()) or "nothing"


def overlap_rows(*words):
    for key, overlap in harness("data", *words)["overlaps"].items():
        yield row(key.rpartition("/")[2], str(overlap["items"]), found(overlap))


def planted_overlap(made, language, file):
    corpus = made / f"planted-{language}.tsv"
    spoken = ("--source-lang", "en", "--target-lang", language)
    (overlap,) = harness("data", corpus, *spoken, "--against-file", file)["overlaps"].values()
    return overlap


def alma_rows():
    side = DATA / "alma/deen/train.de-en"
    corpus = (f"{side}.de.gz", "--target-path", f"{side}.en.gz")
    spoken = ("--source-lang", "de", "--target-lang", "en", "--benchmarks", ROOT / "benchmarks")
    names = ("src.eng", "ref.deu")
    files = [
        part for n in names for part in ("--against-file", DATA / f"ntrex/newstest2019-{n}.txt")
    ]
    against = ("--against", "translation/wmt22_de_en_test", "translation/wmt22_en_de_test")
    yield from overlap_rows(*corpus, *spoken, *files, *against)


def in_table(rows):
    rows = list(rows)
    assert rows
    missing = [one for one in rows if one not in TABLE]
    assert missing == []


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    script("predictions").main(str(DATA), str(folder))
    script("planted").main(str(DATA), str(folder))
    return folder


@outside("wmt22")
@pytest.mark.slow
def test_the_published_scores_of_wmt22_are_those_of_the_table():
    rows = list(wmt22_rows())
    in_table(rows)
    assert [one.split(" | ")[1:3] for one in rows] == [list(two) for two in PUBLISHED.values()]


@needs_made
def test_gsm8k_is_extracted_as_the_table_says(made, tmp_path):
    in_table(gsm8k_rows(made, tmp_path / "items.jsonl"))


@needs_made
def test_refusals_are_told_as_the_table_says(made, tmp_path):
    in_table(xstest_rows(made, tmp_path / "items.jsonl"))
    thai = made / "multijail-th-every-second-refused.jsonl"
    in_table([labelled(thai, "refusal", tmp_path / "items.jsonl")])


@needs_made
@pytest.mark.slow
def test_thai_is_scored_as_the_table_says(made):
    in_table(thai_rows(made))


@needs_made
@pytest.mark.slow
@pytest.mark.parametrize(("language", "name"), [("th", "tha"), ("zh", "zho-CN")])
def test_planted_near_copies_are_found_as_the_table_says(made, language, name):
    file = DATA / f"ntrex/newstest2019-ref.{name}.txt"
    overlap = planted_overlap(made, language, file)
    in_table([row(file.name, str(overlap["items"]), found(overlap))])
    planted = script("planted").near_copies(file)
    assert len(planted) == 50
    assert set(planted) <= {one["text"] for one in overlap["matches"] if one["kind"] == "near"}


@outside("alma", "ntrex", "wmt22")
@pytest.mark.slow
def test_what_alma_has_of_the_test_sets_is_what_the_table_says(monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(DATA))
    in_table(alma_rows())


def losses_in(curve):
    points = [json.loads(line)["metrics"] for line in curve.read_text().splitlines()]
    return [one["train/loss/translation"] for one in points if "train/loss/translation" in one]


@outside("alma", "ntrex", "wmt22")
@pytest.mark.slow
def test_fifty_steps_on_alma_lower_the_loss_as_the_table_says(tracked_folder, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(DATA))
    side = DATA / "alma/deen/train.de-en"
    settings = {
        "model.path": save_toy(tracked_folder / "llama", "llama"),
        "data.train.path": f"{side}.de.gz", "data.train.target_path": f"{side}.en.gz",
        "eval.limit": 2,
    }  # fmt: skip
    words = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    facts = harness("run", FOLDER / "alma.yaml", *words)["facts"]
    (curve,) = tracked_folder.glob(".harness/store/adapter/*/curves.jsonl")
    losses = losses_in(curve)
    harness("run", FOLDER / "alma.yaml", *words, "--set", "train.processes=2")
    (other,) = set(tracked_folder.glob(".harness/store/adapter/*/curves.jsonl")) - {curve}
    assert losses_in(other) == pytest.approx(losses, abs=1e-5)
    (committed,) = [line for line in TABLE.splitlines() if line.startswith("| llama | sft |")]
    cells = [cell.strip() for cell in committed.strip("|").split("|")]
    # to rounding, as other machines and threads add up in another order
    assert losses[0] == pytest.approx(float(cells[2]), abs=0.01)
    assert losses[-1] == pytest.approx(float(cells[3]), abs=0.1)
    assert str(round(facts["data/too_long"])) == cells[5]
    assert facts["contamination/translation/ntrex_de_en_test/exact"] == 1.0
    assert facts["contamination/translation/wmt22_de_en_test/exact"] == 0.0


@outside("multijail")
@pytest.mark.slow
def test_a_toy_model_answers_multijail_in_thai_as_the_table_says(tracked_folder, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(DATA))
    model = save_toy(tracked_folder / "qwen3", "qwen3")
    key = "safety/multijail_th_test"
    folder = ("--benchmarks", ROOT / "benchmarks", "--suite", key)
    scores = harness("evaluate", model, *folder, "--no-tracking")["scores"]
    assert scores[f"{key}/refusal"]["items"] == 315
    assert scores[f"{key}/refusal"]["signature"].startswith("refusal|version:3|")
    (committed,) = [line for line in TABLE.splitlines() if line.startswith(f"| {key} |")]
    cells = [cell.strip() for cell in committed.strip("|").split("|")][5:]
    for name, cell in zip(("refusal", "undetermined", "truncated"), cells, strict=True):
        assert scores[f"{key}/{name}"]["value"] == pytest.approx(float(cell), abs=0.02)


def test_the_trial_is_valid_and_what_the_table_names_exists():
    assert load_spec(TrialConfig, FOLDER / "alma.yaml").train.steps == 50
    blocks = "".join(re.findall(r"```sh\n(.*?)```", TABLE, re.DOTALL)).replace("\\\n", " ")
    commands = [line.split() for line in blocks.splitlines() if "harness " in line]
    names = [words[words.index("harness") + 1] for words in commands if "harness" in words]
    assert len(names) >= 10
    assert set(names) <= set(main.list_commands(click.Context(main)))
    named = re.findall(r"sweeps/[a-z/_]+\.[a-z]+|tests/[a-z/_]+\.py", TABLE)
    assert {"sweeps/real/alma.yaml", "sweeps/real/predictions.py"} <= set(named)
    assert [path for path in named if not (ROOT / path).exists()] == []
