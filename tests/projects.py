"""A whole project in a folder, seconds to run: tiny model, a corpus of lines, two benchmarks."""

import json
from pathlib import Path
from typing import Any

from harness.settings.spec import file_sha256
from harness.trial.config import TrialConfig

NOUNS = ["Hund", "Wolf", "Fuchs", "Esel", "Igel", "Otter", "Rabe", "Uhu"]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_corpus(path: Path, nouns: list[str]) -> Path:
    return write_lines(
        path,
        [
            {
                "id": f"{path.stem}-{noun}",
                "source": f"the {noun.lower()}",
                "target": f"der {noun}",
                "source_lang": "en",
                "target_lang": "de",
            }
            for noun in nouns
        ],
    )


def write_benchmark(
    folder: Path, key: str, rows: list[dict[str, Any]], metrics: list[str], **harness: Any
) -> Path:
    suite, name = key.split("/")
    data = write_lines(folder / "data" / suite / f"{name}.jsonl", rows)
    split = "test" if name.endswith("_test") else "validation"
    lines = [
        f"# One row: {json.dumps(rows[0])}",
        f"task: {suite}_{name}",
        "dataset_path: json",
        f"dataset_kwargs: {{data_files: {{test: ../data/{suite}/{name}.jsonl}}}}",
        "test_split: test",
        "output_type: generate_until",
        'doc_to_text: "{{prompt}}"',
        'doc_to_target: "{{target}}"' if "target" in rows[0] else 'doc_to_target: ""',
        "generation_kwargs: {until: [], max_gen_toks: 12, do_sample: false}",
        "metadata:",
        "  version: 1.0",
        "  harness:",
        f"    split: {split}",
        f"    metrics: {json.dumps(metrics)}",
        f"    data_sha256: {file_sha256(data)}",
        "    licence: Apache-2.0",
        *(f"    {field}: {json.dumps(value)}" for field, value in harness.items()),
    ]
    path = folder / suite / f"{name}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_project(folder: Path, model: Path, **changes: Any) -> TrialConfig:
    """The files of a small project, and a trial on them."""
    write_corpus(folder / "train.jsonl", NOUNS)
    write_corpus(folder / "validation.jsonl", ["Bär", "Dachs"])
    for split in ("validation", "test"):
        write_benchmark(
            folder / "benchmarks",
            f"mini_translation/en_de_{split}",
            [
                {
                    "id": f"{split}-{index}",
                    "prompt": f"Translate from English to German: the {noun.lower()} {split}",
                    "source": f"the {noun.lower()} {split}",
                    "references": [f"der {noun} {split}"],
                    "source_lang": "en",
                    "target_lang": "de",
                }
                for index, noun in enumerate(NOUNS[:4])
            ],
            ["chrf", "empty"],
            language="de",
            extract="first_paragraph",
            summary={"metric": "chrf", "worst": 0.0, "best": 100.0},
        )
        write_benchmark(
            folder / "benchmarks",
            f"mini_general/echo_{split}",
            [
                {"id": f"{split}-{word}", "prompt": f"Say {word}.", "target": word}
                for word in ("yes", "no", "maybe", split)
            ],
            ["exact_match"],
            language="en",
            summary={"metric": "exact_match", "worst": 0.0, "best": 1.0},
        )
    data = {
        "name": "mini",
        "seed": 1,
        "model": {"path": str(model), "device": "cpu"},
        "data": {
            "train": {"path": str(folder / "train.jsonl")},
            "validation": {"path": str(folder / "validation.jsonl")},
        },
        "variant": {"name": "radis", "max_rationale_tokens": 6},
        "lora": {"rank": 4, "alpha": 8},
        "train": {"learning_rate": 0.01, "steps": 3, "batch_size": 4, "log_every": 1},
        "eval": {
            "suites": ["mini_translation", "mini_general"],
            "folder": str(folder / "benchmarks"),
            "batch_size": 8,
        },
    }
    return TrialConfig.model_validate({**data, **changes})
