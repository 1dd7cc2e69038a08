"""Benchmarks: one lm-eval task YAML each, read and checked before anything runs.

A benchmark is ``<folder>/<suite>/<name>.yaml``; what the harness needs beyond lm-eval stands in its
``metadata: harness:`` block, which lm-eval leaves alone. Parsing needs neither lm-eval nor torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from harness.errors import ConfigError, DataError, unknown_name
from harness.evaluation.items import read_items
from harness.evaluation.spec import EvalSpec
from harness.evaluation.task import Extract, Outcome, Summary, TaskFile
from harness.records import JSON, Decoding, Split
from harness.spec import digest, file_sha256, validate
from harness.yaml_files import key_lines, parse_yaml, read_text


@dataclass(frozen=True)
class Benchmark:
    """One test set.

    Attributes:
        suite: The folder it is in.
        name: The file name.
        split: What it may be used for.
        path: Its YAML.
        task: lm-eval's configuration of it, the data file absolute.
        output_type: Whether the model writes an answer or choices are compared by likelihood.
        metrics: Names of the metrics it is scored with.
        summary: Its part in the suite's summary; None when it has none.
        extract: How the answer is found in the output.
        expected: What a safe model does with its prompts; None outside of safety suites.
        language: BCP-47 tag of the language wanted of the answers.
        decoding: How answers are generated.
        data_path: The JSONL file of its items.
        data_sha256: Checksum of that file, verified.
        licence: Of the data.
        version: Of the benchmark.
        limit: Only so many items are used; None for all.
        items: The rows used, checked.
    """

    suite: str
    name: str
    split: Split
    path: Path
    task: Mapping[str, JSON] = field(repr=False)
    output_type: Literal["generate_until", "multiple_choice"]
    metrics: tuple[str, ...]
    summary: Summary | None
    extract: Extract
    expected: Outcome | None
    language: str
    decoding: Decoding
    data_path: Path
    data_sha256: str
    licence: str
    version: str
    limit: int | None
    items: tuple[Mapping[str, JSON], ...] = field(repr=False)

    @property
    def key(self) -> str:
        """``suite/name``: what its scores are filed under."""
        return f"{self.suite}/{self.name}"

    def identity(self) -> dict[str, JSON]:
        """All of it that may change its predictions: not how they are scored, nor where it is."""
        rendered = {
            key: value
            for key, value in self.task.items()
            if key not in {"task", "tag", "dataset_kwargs", "metadata", "metric_list"}
        }
        return {
            "task": digest(rendered),
            "data": self.data_sha256,
            "extract": self.extract.plain(),
            "language": self.language,
            "limit": self.limit,
        }


def find_benchmarks(spec: EvalSpec) -> tuple[Benchmark, ...]:
    """The benchmarks a specification selects, sorted by key.

    Raises:
        ConfigError: No such folder, suite or benchmark.
        DataError: Benchmark or data files are wrong: all faults of all files at once.
    """
    folder = Path(spec.folder)
    files = _select(folder, spec.suites)
    found: list[Benchmark] = []
    faults: list[str] = []
    for path in files:
        try:
            benchmark = read_benchmark(path, limit=spec.limit, splits=spec.splits)
        except (ConfigError, DataError) as error:
            faults.append(str(error))
        else:
            if benchmark is not None:
                found.append(benchmark)
    if faults:
        raise DataError("\n".join(faults))
    if not found:
        splits = ", ".join(spec.splits)
        raise ConfigError(
            f"{folder}: none of the {len(files)} benchmarks in {', '.join(spec.suites)} has a "
            f"split that is wanted (splits: {splits})"
        )
    return tuple(found)


def known_suites(folder: Path) -> tuple[str, ...]:
    """Names of the folders that hold benchmarks."""
    return tuple(sorted({path.parent.name for path in folder.glob("*/*.yaml")}))


def _select(folder: Path, wanted: Sequence[str]) -> list[Path]:
    if not folder.is_dir():
        raise ConfigError(f"eval.folder: found {str(folder)!r}, allowed: an existing folder")
    files = sorted(folder.glob("*/*.yaml"))
    keys = {path: f"{path.parent.name}/{path.stem}" for path in files}
    chosen: set[Path] = set()
    faults: list[str] = []
    for name in wanted:
        pattern = name if "/" in name else f"{name}/*"
        matched = {path for path, key in keys.items() if fnmatchcase(key, pattern)}
        chosen |= matched
        if matched:
            continue
        if pattern.partition("/")[0] in known_suites(folder):
            suite = pattern.partition("/")[0]
            known = [key for key in keys.values() if key.startswith(f"{suite}/")]
            faults.append(unknown_name("benchmark", name, known))
        else:
            faults.append(unknown_name("suite", name, known_suites(folder)))
    if faults:
        raise ConfigError("\n".join(f"eval.suites: {fault} in {folder}" for fault in faults))
    return sorted(chosen)


def read_benchmark(
    path: Path, *, limit: int | None = None, splits: Sequence[Split] = tuple(Split)
) -> Benchmark | None:
    """The benchmark in a YAML, its data checked; None when its split is not wanted.

    Raises:
        ConfigError: The YAML is wrong: all its faults at once, with line and dotted path.
        DataError: Its data file is missing or wrong.
    """
    text = read_text(path)
    data = parse_yaml(text, str(path))
    task = validate(TaskFile, data, str(path), lines=_Lines(text))
    settings = task.metadata.harness
    other = {Split.VALIDATION: "_test", Split.TEST: "_validation"}[settings.split]
    if path.stem.endswith(other):
        raise ConfigError(
            f"{path}: metadata.harness.split: found {settings.split.value!r}, but the file's name "
            f"ends in {other!r}"
        )
    if settings.split not in splits:
        return None
    data_path = (path.parent / task.data_file).resolve()
    _check_data(path, data_path, settings.data_sha256)
    items = read_items(data_path, task)
    return Benchmark(
        suite=path.parent.name,
        name=path.stem,
        split=settings.split,
        path=path,
        task={**data, "dataset_kwargs": {"data_files": {task.test_split: str(data_path)}}},
        output_type=task.output_type,
        metrics=settings.metrics,
        summary=settings.summary,
        extract=settings.extract,
        expected=settings.expected,
        language=settings.language,
        decoding=task.decoding,
        data_path=data_path,
        data_sha256=settings.data_sha256,
        licence=settings.licence,
        version=str(task.metadata.version),
        limit=limit,
        items=items[:limit],
    )


def _check_data(path: Path, data_path: Path, expected: str) -> None:
    if not data_path.is_file():
        raise DataError(f"{path}: dataset_kwargs.data_files: no such file: {data_path}")
    found = file_sha256(data_path)
    if found != expected:
        raise DataError(
            f"{path}: metadata.harness.data_sha256: {data_path} has {found}, not the {expected} "
            "written here",
            "Scores on changed data do not compare with earlier ones: raise metadata.version, then "
            "write the new checksum.",
        )


class _Lines(Mapping[str, int]):
    """Line numbers of a YAML's keys, looked for only when there is a fault to report."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: dict[str, int] | None = None

    def _lines(self) -> dict[str, int]:
        if self._found is None:
            self._found = key_lines(self._text)
        return self._found

    def __getitem__(self, path: str) -> int:
        return self._lines()[path]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._lines())

    def __len__(self) -> int:
        return len(self._lines())
