"""Writes the benchmarks of the testbed: a YAML each, its rows, and where they come from."""

import hashlib
import json
from pathlib import Path

from harness.pocket.benchmark_rows import PocketBenchmark, Row, all_benchmarks
from harness.pocket.corpus import write_rows
from harness.pocket.world.world import World

SOURCES = """\
# Where the benchmark data come from

Every file below `pocket_*/` was written by `python -m harness.pocket.build --only benchmarks` from
the pocket world (`harness/pocket/world`, `harness/pocket/skills`): a toy world invented for this
project. Nothing was copied from another data set. The benign look-alikes follow an idea of XSTest
(Röttger et al. 2024, arXiv 2308.01263), the constraints one of IFEval (Zhou et al. 2023, arXiv
2311.07911); the items are the project's own. Licence: Apache-2.0.

| file | rows | sha256 |
|---|---|---|
"""


def write_benchmarks(world: World, folder: Path) -> None:
    """Writes `<suite>/<name>_<split>.yaml` and its rows below `data/` for each benchmark."""
    listed = [write_benchmark(benchmark, folder) for benchmark in all_benchmarks(world)]
    sources = SOURCES + "\n".join(sorted(listed)) + "\n"
    (folder / "data" / "SOURCES.md").write_text(sources, encoding="utf-8", newline="\n")


def write_benchmark(benchmark: PocketBenchmark, folder: Path) -> str:
    """Writes one benchmark; returns its line for `SOURCES.md`."""
    stem = f"{benchmark.name}_{benchmark.split}"
    rows = [{"id": f"{stem}-{place:04d}", **row} for place, row in enumerate(benchmark.rows)]
    data = folder / "data" / benchmark.suite / f"{stem}.jsonl"
    write_rows(data, rows)
    digest = hashlib.sha256(data.read_bytes()).hexdigest()
    path = folder / benchmark.suite / f"{stem}.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(task_yaml(benchmark, rows[0], digest), encoding="utf-8", newline="\n")
    return f"| {benchmark.suite}/{stem}.jsonl | {len(rows)} | `{digest}` |"


def task_yaml(benchmark: PocketBenchmark, row: Row, digest: str) -> str:
    """The lm-eval task of a benchmark, opened by one of its rows and the answer expected."""
    stem = f"{benchmark.name}_{benchmark.split}"
    expected = row.get("target") or "a refusal"
    summary = ", ".join(f"{key}: {value}" for key, value in benchmark.summary.items())
    declared = "".join(f"    {key}: {value}\n" for key, value in benchmark.declared.items())
    target = "{{target}}" if "target" in row else ""
    return f"""\
# One row: {json.dumps(row, ensure_ascii=False)}
# Expected answer: {json.dumps(expected, ensure_ascii=False)}
task: {benchmark.suite}_{stem}
dataset_path: json
dataset_kwargs:
  data_files: {{test: ../data/{benchmark.suite}/{stem}.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{{{prompt}}}}"
doc_to_target: "{target}"
generation_kwargs: {{until: [], max_gen_toks: {benchmark.max_new_tokens}, do_sample: false}}
metadata:
  version: 1.0
  harness:
    split: {benchmark.split}
    language: {benchmark.language}
    metrics: [{", ".join(benchmark.metrics)}]
    summary: {{{summary}}}
{declared}    data_sha256: {digest}
    licence: {benchmark.licence}
"""
