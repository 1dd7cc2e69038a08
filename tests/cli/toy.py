"""A folder with one of everything, all of it valid and tiny: what the command line is tried on."""

import hashlib
import json
import random
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.gate.baseline import update_baseline
from harness.records import Score, TrialResult, parse_key
from harness.storage.results import write_results

WORDS = {"cat": "Katze", "dog": "Hund", "tree": "Baum", "house": "Haus", "sun": "Sonne"}

TRIAL = """\
name: toy
seed: 1
model:
  path: model
  device: cpu
data:
  train: {path: corpus.jsonl}
  prompt: "{source_lang} to {target_lang}: {source}"
variant: {name: sft}
lora: {rank: 2, alpha: 4}
train: {steps: 2, batch_size: 2, learning_rate: 1e-3}
eval:
  folder: benchmarks
  suites: [translation, general]
  batch_size: 4
"""

SWEEP = """\
# Does a higher rank pay?
# Cost: nothing.
name: toy
question: Does a higher rank pay?
base: trial.yaml
space:
  lora.rank: [1, 2]
objectives: [translation/summary, general/summary]
constraints: ["general/summary >= base - 1.0"]
sampler: grid
seeds: [1]
confirm: {seeds: [101]}
"""

BENCHMARK = """\
# One row: {row}
task: {suite}_{name}
dataset_path: json
dataset_kwargs:
  data_files: {{test: ../data/{suite}/{name}.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{{{{target}}}}"
generation_kwargs: {{until: [], max_gen_toks: 4, do_sample: false}}
metadata:
  version: 1.0
  harness:
    split: {split}
    language: {language}
    metrics: [{metrics}]
    summary: {{metric: {metric}, worst: 0.0, best: 1.0}}
    data_sha256: {sha256}
    licence: Apache-2.0
"""


def make(folder: Path, model: Path) -> Path:
    """Fills a folder: model, corpus, two suites, a trial, a sweep, predictions."""
    shutil.copytree(model, folder / "model")
    make_data(folder)
    make_predictions(folder)
    (folder / "trial.yaml").write_text(TRIAL)
    (folder / "sweep.yaml").write_text(SWEEP)
    return folder


def make_data(folder: Path) -> None:
    """A corpus and two suites of benchmarks."""
    _lines(folder / "corpus.jsonl", [_pair(index, word) for index, word in enumerate(WORDS)])
    for split in ("validation", "test"):
        translation = [_translation(split, word) for word in WORDS]
        _benchmark(folder, "translation", f"words_{split}", split, "de", ("chrf",), translation)
        _benchmark(folder, "general", f"copy_{split}", split, "en", ("exact_match",), _copy(split))


def make_predictions(folder: Path) -> None:
    """Translations of words, one of them wrong."""
    _lines(folder / "predictions.jsonl", [_prediction(word) for word in WORDS])


def _pair(index: int, word: str) -> dict[str, Any]:
    return {
        "id": f"pair-{index}",
        "source": word,
        "target": WORDS[word],
        "source_lang": "en",
        "target_lang": "de",
    }


def _translation(split: str, word: str) -> dict[str, Any]:
    return {
        "id": f"{split}-{word}",
        "prompt": f"English to German: {word}",
        "source": word,
        "references": [WORDS[word]],
        "target": WORDS[word],
        "source_lang": "en",
        "target_lang": "de",
    }


def _copy(split: str) -> list[dict[str, Any]]:
    return [{"id": f"{split}-{n}", "prompt": f"Say {n}.", "target": str(n)} for n in range(4)]


def _prediction(word: str) -> dict[str, Any]:
    output = WORDS[word] if word != "sun" else "Sohn"
    return {
        "id": word,
        "prompt": f"English to German: {word}",
        "output": output,
        "source": word,
        "references": [WORDS[word]],
        "target": WORDS[word],
        "language": "de",
        "source_lang": "en",
        "target_lang": "de",
    }


def _benchmark(
    folder: Path,
    suite: str,
    name: str,
    split: str,
    language: str,
    metrics: tuple[str, ...],
    rows: list[dict[str, Any]],
) -> None:
    data = _lines(folder / "benchmarks/data" / suite / f"{name}.jsonl", rows)
    text = BENCHMARK.format(
        row=json.dumps(rows[0]),
        suite=suite,
        name=name,
        split=split,
        language=language,
        metrics=", ".join(metrics),
        metric=metrics[0],
        sha256=hashlib.sha256(data.read_bytes()).hexdigest(),
    )
    path = folder / "benchmarks" / suite / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def seal(benchmark: Path) -> None:
    """Writes the checksum of a benchmark's data, as they are now, into its YAML."""
    suite, name = benchmark.parent.name, benchmark.stem
    data = benchmark.parents[1] / "data" / suite / f"{name}.jsonl"
    sha256 = hashlib.sha256(data.read_bytes()).hexdigest()
    text = re.sub(r"data_sha256: \w+", f"data_sha256: {sha256}", benchmark.read_text())
    benchmark.write_text(text)


def result(value: float = 0.75, num_items: int = 20, **config: Any) -> TrialResult:
    """A trial's result with one score: the share of items that are right."""
    right = round(value * num_items)
    score = Score(
        metric="exact_match",
        value=right / num_items,
        higher_is_better=True,
        signature="exact_match|toy",
        ids=tuple(f"item-{n}" for n in range(num_items)),
        statistics=tuple((float(n < right), 1.0) for n in range(num_items)),
    )
    return TrialResult(
        name="toy",
        fingerprint="0" * 16,
        config={"name": "toy", "seed": 1, **config},
        variant="sft",
        seed=1,
        scores={parse_key("general/copy_test/exact_match"): score},
        unmeasured={},
        summaries={},
        facts={},
        stages={},
        tags={},
        seconds={},
    )


def run_of(seed: int, share: float = 0.9, num_items: int = 400) -> TrialResult:
    """A run whose hits are drawn by its seed; all runs are of one configuration."""
    draws = random.Random(seed)
    whole = result(1.0, num_items)
    (key, score), *_ = whole.scores.items()
    hits = [float(draws.random() < share) for _ in range(num_items)]
    statistics = tuple((hit, 1.0) for hit in hits)
    score = replace(score, value=sum(hits) / num_items, statistics=statistics)
    return replace(whole, seed=seed, scores={key: score})


def make_baseline(folder: Path, value: float = 0.75, num_items: int = 20) -> None:
    """A results file and the baseline it agrees with."""
    write_results(folder / "results.json", [result(value, num_items)])
    update_baseline(folder / "baseline.json", [result(value, num_items)])
