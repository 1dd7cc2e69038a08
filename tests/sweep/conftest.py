"""A small world for sweeps: two suites of three items, and a run function that takes no time."""

import hashlib
import json
import struct
from pathlib import Path

import pytest
import yaml

from harness.settings.spec import load_spec
from harness.sweep.spec import SweepSpec
from tests.projects import write_corpus
from tests.small_benchmarks import benchmarks

__all__ = ["benchmarks"]


def write_benchmark(folder: Path, suite: str, name: str, split: str, metrics: list[str]) -> None:
    rows = [
        {"id": f"{name}-{i}", "prompt": f"Question {i}?", "target": f"Answer {i}."}
        for i in range(3)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    data = folder / "data" / suite / f"{name}.jsonl"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text(text)
    task = {
        "task": f"{suite}_{name}",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"../data/{suite}/{name}.jsonl"}},
        "output_type": "generate_until",
        "doc_to_text": "{{prompt}}",
        "doc_to_target": "{{target}}",
        "generation_kwargs": {"until": [], "max_gen_toks": 8},
        "metadata": {
            "version": 1.0,
            "harness": {
                "split": split,
                "language": "en",
                "metrics": metrics,
                "summary": {"metric": metrics[0], "worst": 0.0, "best": 1.0},
                "data_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "licence": "Apache-2.0",
            },
        },
    }
    path = folder / suite / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(task, sort_keys=False))


@pytest.fixture
def world(tracked_folder: Path) -> Path:
    """A working directory with benchmarks and an empty tracking store."""
    write_world(tracked_folder)
    return tracked_folder


def write_model(folder: Path) -> None:
    """The files of a chat model, as far as they are looked at before it is loaded."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text('{"model_type": "llama"}')
    (folder / "tokenizer.json").write_text('{"model": {}}')
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("{{ messages[0].content }}")
    weights = b"{}"
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", len(weights)) + weights)


def write_world(folder: Path) -> None:
    write_model(folder / "model")
    write_corpus(folder / "train.jsonl", ["Hund", "Wolf"])
    for split in ("validation", "test"):
        benchmarks = folder / "benchmarks"
        name = f"en_de_{split}"
        write_benchmark(benchmarks, "translation", name, split, ["exact_match", "empty"])
        write_benchmark(benchmarks, "general", f"facts_{split}", split, ["exact_match"])


SWEEP = """\
# Does it work? Costs nothing.
name: toy
question: Does it work?
base:
  model: {path: model}
  data: {train: {path: train.jsonl}}
  variant: {name: radis}
  eval: {suites: [translation, general]}
space:
  variant.name: [sft, radis]
  variant.rationale_weight: {values: [0.3, 1.0, 3.0], when: {variant.name: radis}}
  lora.rank: [4, 8]
objectives: [translation/summary, general/summary]
constraints: ["general/summary >= base - 0.4"]
sampler: grid
confirm: {seeds: [11, 12], compare: variant.name}
"""


@pytest.fixture
def sweep_file(world: Path) -> Path:
    path = world / "toy.yaml"
    path.write_text(SWEEP)
    return path


@pytest.fixture
def spec(sweep_file: Path) -> SweepSpec:
    return load_spec(SweepSpec, sweep_file)
