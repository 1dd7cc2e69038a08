"""Small benchmarks on disk."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.benchmarks.read import Benchmark, find_benchmarks
from harness.benchmarks.spec import EvalSpec

FACTS = [
    {"id": "facts-1", "prompt": "What is the capital of Norland?", "target": "Toral."},
    {"id": "facts-2", "prompt": "What is the capital of Sudland?", "target": "Merak."},
    {"id": "facts-3", "prompt": "What is 2 + 3?", "target": "5"},
]


class Benchmarks:
    """A benchmarks folder being filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self,
        key: str = "general/facts_validation",
        rows: list[Any] | str | None = None,
        *,
        block: dict[str, Any] | None = None,
        drop: tuple[str, ...] = (),
        **settings: Any,
    ) -> Path:
        """Writes a YAML and its data; ``block`` changes metadata.harness, ``settings`` the rest."""
        suite, name = key.split("/")
        rows = FACTS if rows is None else rows
        text = rows if isinstance(rows, str) else "".join(json.dumps(row) + "\n" for row in rows)
        data = self.folder / "data" / suite / f"{name}.jsonl"
        data.parent.mkdir(parents=True, exist_ok=True)
        data.write_text(text, encoding="utf-8")
        task: dict[str, Any] = {
            "task": f"{suite}_{name}",
            "dataset_path": "json",
            "dataset_kwargs": {"data_files": {"test": f"../data/{suite}/{name}.jsonl"}},
            "test_split": "test",
            "output_type": "generate_until",
            "doc_to_text": "{{prompt}}",
            "doc_to_target": "{{target}}",
            "generation_kwargs": {"until": [], "max_gen_toks": 60, "do_sample": False},
            "metadata": {
                "version": 1.0,
                "harness": {
                    "split": "test" if name.endswith("_test") else "validation",
                    "language": "en",
                    "metrics": ["exact_match"],
                    "summary": {"metric": "exact_match", "worst": 0.0, "best": 1.0},
                    "data_sha256": hashlib.sha256(text.encode()).hexdigest(),
                    "licence": "Apache-2.0",
                    **(block or {}),
                },
            },
            **settings,
        }
        for name_of_setting in drop:
            task.pop(name_of_setting)
        path = self.folder / suite / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
        return path

    def find(self, *suites: str, **settings: Any) -> tuple[Benchmark, ...]:
        """The benchmarks of suites, all when none is named."""
        named = suites or tuple(
            sorted(path.name for path in self.folder.iterdir() if path.name != "data")
        )
        return find_benchmarks(EvalSpec(suites=named, folder=str(self.folder), **settings))


@pytest.fixture
def benchmarks(tmp_path: Path) -> Benchmarks:
    """An empty benchmarks folder to write small benchmarks into."""
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    return Benchmarks(folder)
