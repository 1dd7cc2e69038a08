"""Whatever a user's file can get wrong: exit 2, place and allowed values named, nothing written."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.cli import toy

RUN = ("run", "trial.yaml")
SWEEP = ("sweep", "sweep.yaml")
EVALUATE = ("evaluate", "model", "--benchmarks", "benchmarks", "--suite", "general")
SCORE = ("score", "predictions.jsonl", "--metric", "exact_match")
DATA = ("data", "corpus.jsonl")
CHECK = ("check", "baseline.json", "results.json")

FACTS = "benchmarks/general/copy_validation.yaml"
ROWS = "benchmarks/data/general/copy_validation.jsonl"

Edit = Callable[[Path], None]


def put(name: str, text: str | bytes) -> Edit:
    """The file with other content."""
    content = text.encode() if isinstance(text, str) else text
    return lambda folder: void((folder / name).write_bytes(content))


def swap(name: str, old: str, new: str) -> Edit:
    """The file with one text in it replaced."""

    def edit(folder: Path) -> None:
        path = folder / name
        text = path.read_text()
        assert old in text, f"{old!r} is not in {name}"
        path.write_text(text.replace(old, new))

    return edit


def add(name: str, text: str) -> Edit:
    """The file with something at its end."""
    return lambda folder: void((folder / name).write_text((folder / name).read_text() + text))


def drop(*names: str) -> Edit:
    """The folder without some files."""
    return lambda folder: void([(folder / name).unlink(missing_ok=True) for name in names])


def cut(name: str) -> Edit:
    """The file's first half."""

    def edit(folder: Path) -> None:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return edit


def rows(edit: Edit) -> Edit:
    """An edit of a benchmark's rows, its checksum written anew."""

    def both(folder: Path) -> None:
        edit(folder)
        toy.seal(folder / FACTS)

    return both


def void(_: object) -> None:
    return None


@dataclass(frozen=True)
class Case:
    """Something wrong, the command that meets it, and what its message must name."""

    name: str
    command: tuple[str, ...]
    edit: Edit
    says: tuple[str, ...] = field(default=())


# fmt: off
TRIALS = [
    Case("an unknown setting", RUN, add("trial.yaml", "sede: 1\n"),
         ("trial.yaml:16: sede", "unknown option 'sede'", "did you mean 'seed'")),
    Case("an unknown nested setting", RUN, swap("trial.yaml", "learning_rate", "learning_rat"),
         ("train.learning_rat", "did you mean 'learning_rate'")),
    Case("text for a number", RUN, swap("trial.yaml", "seed: 1", "seed: one"),
         ("trial.yaml:2: seed", "'one'", "integer")),
    Case("a number out of bounds", RUN, swap("trial.yaml", "rank: 2", "rank: 0"),
         ("lora.rank", "found 0", "greater than or equal to 1")),
    Case("two faults at once", RUN, swap("trial.yaml", "rank: 2, alpha: 4", "rank: 0, alpha: -1"),
         ("lora.rank", "lora.alpha")),
    Case("an unknown variant", RUN, swap("trial.yaml", "name: sft", "name: sfft"),
         ("variant.name", "'sfft'", "did you mean 'sft'")),
    Case("an unknown setting of a variant", RUN,
         swap("trial.yaml", "{name: sft}", "{name: radis, rationale_wieght: 1}"),
         ("variant.rationale_wieght", "did you mean 'rationale_weight'")),
    Case("a weight that is no number", RUN,
         swap("trial.yaml", "{name: sft}", "{name: radis, rationale_weight: .nan}"),
         ("variant.rationale_weight", "finite")),
    Case("no model", RUN, swap("trial.yaml", "model:\n  path: model\n  device: cpu\n", ""),
         ("trial.yaml: model", "missing")),
    Case("a key given twice", RUN, add("trial.yaml", "seed: 2\n"),
         ("trial.yaml:16", "'seed' is given twice")),
    Case("text that is no YAML", RUN, put("trial.yaml", "model: [a\nseed: 1"),
         ("trial.yaml:", "not valid YAML")),
    Case("an empty file", RUN, put("trial.yaml", ""),
         ("trial.yaml", "found nothing", "allowed a mapping")),
    Case("a list of settings", RUN, put("trial.yaml", "- seed: 1\n"),
         ("trial.yaml", "found list", "allowed a mapping")),
    Case("bytes that are no text", RUN, put("trial.yaml", b"seed: \xff\n"),
         ("trial.yaml", "not UTF-8 at byte 6")),
    Case("no such trial file", ("run", "trail.yaml"), void,
         ("trail.yaml: no such file", "did you mean trial.yaml")),
    Case("a folder for a file", ("run", "model"), void, ("model: is a folder",)),
    Case("a path that is no setting", (*RUN, "--set", "train.stepz=1"), void,
         ("train.stepz", "did you mean 'steps'")),
    Case("an override without a value", (*RUN, "--set", "train.steps"), void,
         ("--set train.steps", "PATH=VALUE")),
    Case("an override out of bounds", (*RUN, "--set", "lora.rank=-1"), void,
         ("lora.rank", "found -1")),
    Case("a prompt without its source", RUN,
         swap("trial.yaml", "{source_lang} to {target_lang}: {source}", "Translate!"),
         ("data.prompt", "{source}")),
    Case("a setting no metric has", RUN,
         add("trial.yaml", "  metrics: {bleu: {tokenizer: zh}}\n"),
         ("eval.metrics.bleu.tokenizer", "did you mean 'tokenize'")),
    Case("an unknown suite", RUN, swap("trial.yaml", "[translation, general]", "[generel]"),
         ("eval.suites", "'generel'", "did you mean 'general'")),
]

SWEEPS = [
    Case("an unknown path in the space", SWEEP, swap("sweep.yaml", "lora.rank", "lora.rnak"),
         ("sweep.yaml", "lora.rnak")),
    Case("a value out of bounds in the space", SWEEP, swap("sweep.yaml", "[1, 2]", "[1, 0]"),
         ("space.lora.rank", "0")),
    Case("a range upside down", SWEEP, swap("sweep.yaml", "[1, 2]", "{low: 4, high: 2}"),
         ("space.lora.rank", "low below high")),
    Case("a logarithm of nothing", SWEEP,
         swap("sweep.yaml", "[1, 2]", "{low: 0, high: 2, log: true}"),
         ("space.lora.rank", "above 0")),
    Case("a searched seed", SWEEP, swap("sweep.yaml", "lora.rank: [1, 2]", "seed: [1, 2]"),
         ("sweep.yaml", "seed")),
    Case("an empty space", SWEEP, swap("sweep.yaml", "space:\n  lora.rank: [1, 2]", "space: {}"),
         ("sweep.yaml:6: space", "at least 1")),
    Case("an unknown objective", SWEEP,
         swap("sweep.yaml", "[translation/summary", "[translaton/summary"),
         ("objectives.0", "'translaton/summary'", "did you mean 'translation/summary'")),
    Case("an objective on a test benchmark", SWEEP,
         swap("sweep.yaml", "[translation/summary", "[translation/words_test/chrf"),
         ("objectives.0", "measured on a test benchmark", "validation benchmarks only")),
    Case("five objectives", SWEEP,
         swap("sweep.yaml", "[translation/summary, general/summary]", "[a, b, c, d, e]"),
         ("objectives", "at most 4")),
    Case("a constraint of no known form", SWEEP, swap("sweep.yaml", ">= base - 1.0", "> base"),
         ("constraints.0", "KEY >= base - NUMBER")),
    Case("confirming with the sweep's seeds", SWEEP, swap("sweep.yaml", "[101]", "[1]"),
         ("confirm.seeds", "seeds the sweep did not use")),
    Case("an unknown sampler", SWEEP, swap("sweep.yaml", "sampler: grid", "sampler: bayes"),
         ("sampler.name", "'bayes'", "tpe")),
    Case("a grid over a continuous range", SWEEP,
         swap("sweep.yaml", "lora.rank: [1, 2]", "lora.alpha: {low: 1.0, high: 2.0}"),
         ("sampler", "lora.alpha")),
    Case("no budget", SWEEP, swap("sweep.yaml", "sampler: grid", "sampler: random"),
         ("trials", "only a grid can do without")),
    Case("no such base", SWEEP, swap("sweep.yaml", "trial.yaml", "other.yaml"),
         ("base", "other.yaml", "no such file")),
    Case("a fault in the base", SWEEP, swap("trial.yaml", "rank: 2", "rank: two"),
         ("trial.yaml", "lora.rank", "'two'")),
    Case("no workers", (*SWEEP, "--workers", "0"), void, ("--workers",)),
]

BENCHMARKS = [
    Case("no data", RUN, drop(ROWS), (FACTS, "dataset_kwargs.data_files", "no such file")),
    Case("changed data", RUN, add(ROWS, '{"id": "new", "prompt": "?", "target": "!"}\n'),
         (FACTS, "metadata.harness.data_sha256")),
    Case("an unknown metric", RUN, swap(FACTS, "metrics: [exact_match]", "metrics: [exact_mach]"),
         (FACTS, "metadata.harness.metrics", "did you mean 'exact_match'")),
    Case("a split that is not its name's", RUN, swap(FACTS, "split: validation", "split: test"),
         (FACTS, "metadata.harness.split", "'_validation'")),
    Case("an unknown split", RUN, swap(FACTS, "split: validation", "split: dev"),
         (FACTS, "metadata.harness.split", "'dev'", "'validation' or 'test'")),
    Case("an unknown setting of a benchmark", RUN, swap(FACTS, "licence:", "license:"),
         (FACTS, "metadata.harness.license", "did you mean 'licence'")),
    Case("no version", RUN, swap(FACTS, "  version: 1.0\n", ""),
         (FACTS, "metadata.version", "missing")),
    Case("a summary of a metric it has not", RUN,
         swap(FACTS, "{metric: exact_match", "{metric: bleu"),
         (FACTS, "metadata.harness", "summary.metric", "exact_match")),
    Case("another kind of output", RUN, swap(FACTS, "generate_until", "generate"),
         (FACTS, "output_type", "'generate'")),
    Case("two rows of one id", RUN, rows(swap(ROWS, "validation-1", "validation-0")),
         (f"{Path(ROWS).name}:2", "id", "line 1")),
    Case("a row without its target", RUN, rows(swap(ROWS, '"target": "2"', '"goal": "2"')),
         (f"{Path(ROWS).name}:3", "target: missing")),
    Case("a row that is no JSON", RUN, rows(add(ROWS, "{oops\n")),
         (f"{Path(ROWS).name}:5", "not valid JSON")),
]

CORPORA = [
    Case("no such corpus", ("data", "corpsu.jsonl"), void, ("corpsu.jsonl", "no such file")),
    Case("an empty corpus", DATA, put("corpus.jsonl", ""), ("corpus.jsonl",)),
    Case("a line that is no JSON", DATA, add("corpus.jsonl", "cat\tKatze\n"),
         ("corpus.jsonl:6", "JSON")),
    Case("a pair without a target", DATA, swap("corpus.jsonl", '"target": "Hund"', '"t": "Hund"'),
         ("corpus.jsonl:2", "target")),
    Case("a number for a sentence", DATA, swap("corpus.jsonl", '"Hund"', "7"),
         ("corpus.jsonl:2", "target", "7")),
    Case("two pairs of one id", DATA, swap("corpus.jsonl", "pair-3", "pair-1"),
         ("corpus.jsonl:4", "pair-1")),
    Case("Latin-1", DATA, put("corpus.jsonl", '{"id": "1", "source": "tür"}'.encode("latin-1")),
         ("corpus.jsonl", "UTF-8")),
    Case("a corpus no trial can read", RUN, add("corpus.jsonl", "cat\tKatze\n"),
         ("corpus.jsonl:6", "JSON")),
    Case("an overlap with a benchmark that is not there", (*DATA, "--against", "general/copy"),
         void, ("general/copy",)),
]

MODELS = [
    Case("no such model", ("evaluate", "./modle", *EVALUATE[2:]), void, ("modle", "no such")),
    Case("a file for a model", ("evaluate", "trial.yaml", *EVALUATE[2:]), void,
         ("trial.yaml", "is a file")),
    Case("no configuration", EVALUATE, drop("model/config.json"), ("config.json is missing",)),
    Case("no weights", EVALUATE, drop("model/model.safetensors"), ("no weights", "*.safetensors")),
    Case("weights cut off", EVALUATE, cut("model/model.safetensors"),
         ("model.safetensors", "not a whole safetensors file")),
    Case("no tokenizer", EVALUATE, drop("model/tokenizer.json"), ("no tokenizer",)),
    Case("no chat template", EVALUATE, drop("model/chat_template.jinja"), ("no chat template",)),
    Case("a configuration that is no JSON", EVALUATE, put("model/tokenizer_config.json", "{"),
         ("tokenizer_config.json", "not valid JSON")),
    Case("an adapter that is none", (*EVALUATE, "--adapter", "benchmarks"), void,
         ("benchmarks", "adapter_config.json")),
    Case("a trial on a broken model", RUN, cut("model/model.safetensors"),
         ("model.path", "model.safetensors")),
]

PREDICTIONS = [
    Case("no such predictions", ("score", "x.jsonl", *SCORE[2:]), void, ("x.jsonl: no such file",)),
    Case("a prediction without its output", SCORE,
         swap("predictions.jsonl", '"output": "Hund"', '"out": "Hund"'),
         ("predictions.jsonl:2", "output: missing")),
    Case("a reference that is no list", SCORE,
         swap("predictions.jsonl", '["Hund"]', '"Hund"'),
         ("predictions.jsonl:2", "references", "a list of texts")),
    Case("a metric there is not", (*SCORE, "blue"), void, ("'blue'", "did you mean 'bleu'")),
    Case("a setting no metric asked for has", (*SCORE, "--set", "bleu.lowercase=true"), void,
         ("bleu", "exact_match")),
]

BASELINES = [
    Case("no baseline", CHECK, drop("baseline.json"), ("baseline.json: no such file", "--update")),
    Case("a baseline that is no JSON", CHECK, put("baseline.json", "{"),
         ("baseline.json", "not a JSON file")),
    Case("a results file for a baseline", CHECK, put("baseline.json", '{"format": 1}'),
         ("baseline.json: format", "harness-baseline-2")),
    Case("a baseline without runs", CHECK, swap("baseline.json", '"runs": [', '"rums": ['),
         ("baseline.json", "runs", "rums")),
    Case("a tolerance below zero", CHECK, swap("baseline.json", '"default": 0.02', '"default": -1'),
         ("baseline.json", "tolerance.default", "-1")),
    Case("no results", CHECK, drop("results.json"), ("results.json: no such file",)),
    Case("results of another format", CHECK, put("results.json", '{"format": 99}'),
         ("results.json: format", "99")),
    Case("a score that is NaN", CHECK, swap("results.json", '"value": 0.75', '"value": NaN'),
         ("results.json: 0.scores.general/copy_test/exact_match.value: found nan", "finite")),
    Case("a score that is null", CHECK, swap("results.json", '"value": 0.75', '"value": null'),
         ("results.json: results.0.scores.general/copy_test/exact_match.value: found null",
          "a number")),
    Case("a score that is a text", CHECK, swap("results.json", '"value": 0.75', '"value": "0.75"'),
         ("exact_match.value: found \"0.75\", allowed a number",)),
    Case("an item that is a text", CHECK, swap("results.json", "[1.0, 1.0]", '["NaN", 1.0]'),
         ("exact_match.statistics: found what is no number",)),
    Case("a direction that is a text", CHECK,
         swap("results.json", '"higher_is_better": true', '"higher_is_better": "true"'),
         ("exact_match.higher_is_better: found \"true\", allowed true or false",)),
    Case("a signature that is null", CHECK,
         swap("results.json", '"signature": "exact_match|toy"', '"signature": null'),
         ("exact_match.signature: found null, allowed a text",)),
    Case("a seed that is a text", CHECK, swap("results.json", '"seed": 1, "sc', '"seed": "1", "sc'),
         ("results.json: results.0.seed: found \"1\", allowed a whole number",)),
    Case("a turned direction", CHECK,
         swap("results.json", '"higher_is_better": true', '"higher_is_better": false'),
         ("exact_match: higher is worse here, and better in the baseline",)),
    Case("other splits", CHECK, swap("results.json", "copy_test", "copy_validation"),
         ("it has validation scores of general/copy_validation", "test scores of general/copy_te")),
    Case("a tolerance that is no number", (*CHECK, "--tolerance", "general=high"), void,
         ("--tolerance general=high", "[PATTERN=]X")),
    Case("a tolerance for nothing", (*CHECK, "--tolerance", "blue=0.1"), void,
         ("'blue': fits no score",)),
    Case("a gate for nothing", (*CHECK, "--gate", "mine/*"), void, ("'mine/*': fits no score",)),
    Case("a sweep there is not", (*CHECK[:2], "sweep:other"), void, ("other",)),
    Case("a run there is not", (*CHECK[:2], "run:0123", "--tracking-uri", "sqlite:///no.db"), void,
         ("no.db",)),
]

# fmt: on
CASES = [*TRIALS, *SWEEPS, *BENCHMARKS, *CORPORA, *MODELS, *PREDICTIONS, *BASELINES]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_it_exits_with_2_names_the_place_and_writes_nothing(
    case, harness, tmp_path, tiny_model_dir
):
    toy.make(tmp_path, tiny_model_dir)
    toy.make_baseline(tmp_path)
    case.edit(tmp_path)
    before = snapshot(tmp_path)
    shown = harness(*case.command)
    assert shown.code == 2, shown.err
    assert [text for text in case.says if text not in shown.err] == [], shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""
    assert snapshot(tmp_path) == before


def snapshot(folder: Path) -> dict[str, int]:
    """Every path below a folder and when it was written."""
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_every_malformed_input_is_a_case_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES) >= 40


def test_what_the_cases_break_is_whole(harness, tmp_path, tiny_model_dir):
    toy.make(tmp_path, tiny_model_dir)
    toy.make_baseline(tmp_path)
    assert harness(*SCORE).code == 0
    assert harness(*DATA).code == 0
    assert harness(*SWEEP, "--dry-run").code == 0
    assert json.loads((tmp_path / "results.json").read_text())["format"] == 1
    assert harness(*CHECK).code in (0, 4)
