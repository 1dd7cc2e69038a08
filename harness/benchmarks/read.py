"""Benchmarks: one lm-eval task YAML each, read and checked before anything runs.

A benchmark is ``<folder>/<suite>/<name>.yaml``; what the harness needs beyond lm-eval stands in its
``metadata: harness:`` block, which lm-eval leaves alone. Parsing needs neither lm-eval nor torch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.benchmarks.data import data_folder, data_of, located_settings
from harness.benchmarks.families import BenchmarkRef, find_refs, known_suites, text_of
from harness.benchmarks.lm_file import PREFIX, LmTask, LmTaskFile
from harness.benchmarks.spec import EvalSpec
from harness.benchmarks.task import OwnTask, Summary, TaskFile
from harness.errors import ConfigError, DataError
from harness.records import JSON, Axis, Key, Prediction, Purpose, ScoreKey, Split
from harness.settings.spec import validate
from harness.settings.yaml import parse_yaml

__all__ = ["Absent", "Benchmark", "Selection", "find_benchmarks", "known_suites", "select"]


_OWN_FIELDS = frozenset(
    {"id", "prompt", "messages", "source", "references", "target", "source_lang", "target_lang"}
)
"""Fields of a row that a prediction has as its own; what else there is goes along."""


@dataclass(frozen=True)
class _Described:
    """What a benchmark's YAML says of it, its data on this machine or not.

    Attributes:
        suite: The folder it is in.
        name: The file name.
        split: What it may be used for.
        metrics: Names of the metrics it is scored with.
        summary: Its part in the suite's summary; None when it has none.
        axis: What it tells of, as far as that is known.
    """

    suite: str
    name: str
    split: Split
    metrics: tuple[str, ...]
    summary: Summary | None
    axis: Axis | None

    @property
    def key(self) -> str:
        """``suite/name``: what its predictions are filed under."""
        return f"{self.suite}/{self.name}"

    @property
    def purpose(self) -> Purpose:
        """What a result keeps of it."""
        return Purpose(self.split, self.axis, self.primary)

    @property
    def primary(self) -> str:
        """The metric that comparisons count: that of the summary, else the first."""
        return self.metrics[0] if self.summary is None else self.summary.metric

    def score_key(self, metric: str) -> ScoreKey:
        """What its score by a metric is filed under."""
        return ScoreKey(self.suite, self.name, self.split, metric)


@dataclass(frozen=True, kw_only=True)
class Benchmark(_Described):
    """One test set.

    Attributes:
        path: Its YAML.
        task: How it is asked: one of our YAMLs, or a task of lm-eval's.
        language: BCP-47 tag of the language wanted of the answers.
        data_path: The first file its items are from.
        data_sha256: Checksum of its data.
        licence: Of the data.
        version: Of the benchmark.
        limit: Only so many items are used; None for all.
        items: The rows used, checked.
        requires: Settings of metrics without which these are not measured here.
        settings: Settings of metrics it brings along; the user's own come before them.
        axis: What it tells of; by what its rows are where ``axis_said`` is False.
        axis_said: Whether its YAML says it.
        twin: Name of the test benchmark that confirms it, where its YAML says one.
        cluster: A field of its rows that items share which are no independent draws.
    """

    path: Path
    task: OwnTask | LmTask = field(repr=False)
    language: str
    data_path: Path
    data_sha256: str
    licence: str
    version: str
    limit: int | None
    items: tuple[Mapping[str, JSON], ...] = field(repr=False)
    requires: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, JSON]] = field(default_factory=dict)
    axis: Axis = Axis.GENERAL
    axis_said: bool = False
    twin: str | None = None
    cluster: str | None = None

    def unanswered(self, row: Mapping[str, Any]) -> Prediction:
        """One of its items as a prediction, before anything is said to it."""
        return Prediction(
            id=row["id"],
            prompt=row["prompt"],
            output="",
            answer="",
            source=row.get("source"),
            references=tuple(row.get("references") or ()),
            target=row.get("target"),
            language=row.get("target_lang") or self.language,
            source_lang=row.get("source_lang"),
            target_lang=row.get("target_lang"),
            extra={name: value for name, value in row.items() if name not in _OWN_FIELDS},
        )

    def settings_of(self, metric: str, users: Mapping[str, JSON]) -> dict[str, JSON]:
        """A metric's settings here: those it brings along, the user's own before them."""
        return {**self.settings.get(metric, {}), **users}

    def identity(self) -> dict[str, JSON]:
        """All of it that may change its predictions: not how they are scored, nor where it is."""
        own = {"data": self.data_sha256, "language": self.language, "limit": self.limit}
        return {**self.task.identity(), **own}


@dataclass(frozen=True)
class Absent(_Described):
    """A benchmark whose data are not on this machine.

    Attributes:
        reason: What is missing, and where it goes.
    """

    reason: str


@dataclass(frozen=True)
class Selection:
    """What a specification selects: what can be scored, and what cannot for want of its data."""

    benchmarks: tuple[Benchmark, ...]
    absent: tuple[Absent, ...] = ()

    def unmeasured(self) -> dict[Key, str]:
        """The reason for each score that is not to be had."""
        return {
            absent.score_key(metric): absent.reason
            for absent in self.absent
            for metric in absent.metrics
        }

    def purposes(self) -> dict[str, Purpose]:
        """What each is for, by its key."""
        return {entry.key: entry.purpose for entry in (*self.benchmarks, *self.absent)}


def find_benchmarks(spec: EvalSpec) -> tuple[Benchmark, ...]:
    """The benchmarks a specification selects, sorted by key; without those whose data are absent.

    Raises:
        ConfigError, DataError: As ``select``.
    """
    return select(spec).benchmarks


def select(spec: EvalSpec) -> Selection:
    """The benchmarks a specification selects, sorted by key.

    What is named in full must be there. A suite or a pattern selects what is there, and says what
    is not; of each at least one must be.

    Raises:
        ConfigError: No such folder, suite or benchmark.
        DataError: Benchmark or data files are wrong or missing: all faults of all files at once.
    """
    data = data_folder(spec)
    by_name = find_refs(spec.folders, spec.suites)
    refs = sorted({ref for matched in by_name.values() for ref in matched})
    read: dict[BenchmarkRef, Sequence[Benchmark | Absent]] = {}
    faults: list[str] = []
    hints: list[str] = []
    for ref in refs:
        try:
            read[ref] = read_ref(ref, limit=spec.limit, splits=spec.splits, data=data)
        except (ConfigError, DataError) as error:
            faults.append(error.message)
            hints += [] if error.hint is None else [error.hint]
    for name, matched in by_name.items():
        selected = [benchmark for ref in matched for benchmark in read.get(ref, ())]
        absent = [benchmark for benchmark in selected if isinstance(benchmark, Absent)]
        if absent and (len(absent) == len(selected) or name in {one.key for one in absent}):
            named = "" if name in {one.key for one in selected} else f"{name}: "
            faults += [f"eval.suites: {named}{one.key}: {one.reason}" for one in absent]
    if faults:
        raise DataError("\n".join(dict.fromkeys(faults)), "\n".join(dict.fromkeys(hints)) or None)
    everything = [one for ref in refs for one in read[ref]]
    benchmarks = tuple(one for one in everything if isinstance(one, Benchmark))
    if not benchmarks:
        folders, suites = ", ".join(map(str, spec.folders)), ", ".join(spec.suites)
        raise ConfigError(
            f"{folders}: none of the {len(refs)} benchmarks in {suites} has a split that is "
            f"wanted (splits: {', '.join(spec.splits)})"
        )
    return Selection(benchmarks, tuple(one for one in everything if isinstance(one, Absent)))


def read_ref(
    ref: BenchmarkRef, *, limit: int | None, splits: Sequence[Split], data: Path | None
) -> list[Benchmark | Absent]:
    """The benchmark of a reference, its data checked; none when its split is not wanted.

    Raises:
        ConfigError: The YAML is wrong: all its faults at once, with line and dotted path.
        DataError: Its data file is missing or wrong.
    """
    path = ref.path
    if str(path).startswith(PREFIX):
        spec = LmTaskFile(include="lm_eval", task=str(path).removeprefix(PREFIX))
        return _of_lm_eval(ref, spec, limit, splits, data)
    text = text_of(ref)
    plain = parse_yaml(text, str(path))
    if plain.get("include") == "lm_eval":
        spec = validate(LmTaskFile, plain, str(path), text=text)
        return _of_lm_eval(ref, spec, limit, splits, data)
    task = validate(TaskFile, plain, str(path), text=text)
    settings = task.metadata.harness
    other = {Split.VALIDATION: "_test", Split.TEST: "_validation"}[settings.split]
    if path.stem.endswith(other):
        raise ConfigError(
            f"{path}: metadata.harness.split: found {settings.split.value!r}, but the file's name "
            f"ends in {other!r}"
        )
    return [_own_benchmark(ref, task, plain, limit, data)] if settings.split in splits else []


def _own_benchmark(
    ref: BenchmarkRef,
    task: TaskFile,
    plain: Mapping[str, JSON],
    limit: int | None,
    data: Path | None,
) -> Benchmark | Absent:
    path, settings = ref.path, task.metadata.harness
    content = data_of(path, task, data)
    if isinstance(content, str):
        return Absent(ref.suite, ref.name, settings.split, settings.metrics,
                      settings.summary, settings.axis, content)  # fmt: skip
    named = {"doc_to_text": task.doc_to_text, "doc_to_target": task.doc_to_target}
    shipped = {"dataset_kwargs": {"data_files": {task.test_split: str(content.path)}}}
    return Benchmark(
        suite=ref.suite,
        name=ref.name,
        split=settings.split,
        path=path,
        task=OwnTask(task, {**named, **plain, **(shipped if settings.data is None else {})}),
        metrics=settings.metrics,
        summary=settings.summary,
        language=settings.language,
        data_path=content.path,
        data_sha256=content.sha256,
        licence=settings.licence,
        version=str(task.metadata.version),
        limit=limit,
        items=content.rows[:limit],
        requires=settings.requires,
        settings=located_settings(settings.settings, path.parent, data),
        axis=settings.axis or _axis_of(content.rows),
        axis_said=settings.axis is not None,
        twin=settings.twin,
        cluster=settings.cluster,
    )


def _axis_of(rows: Sequence[Mapping[str, JSON]]) -> Axis:
    translates = all(row.get("source_lang") and row.get("target_lang") for row in rows)
    return Axis.TRANSLATION if translates else Axis.GENERAL


def _of_lm_eval(
    ref: BenchmarkRef,
    spec: LmTaskFile,
    limit: int | None,
    splits: Sequence[Split],
    data: Path | None,
) -> list[Benchmark | Absent]:
    """The benchmark of a task of lm-eval's, or those of a group of them."""
    if spec.split not in splits:
        return []
    missing = spec.missing(data)
    if missing is not None:
        absent = Absent(
            ref.suite, ref.name, spec.split, ("lm_eval",), spec.summary, spec.axis, missing
        )
        return [absent]
    from harness.benchmarks.lm_tasks import lm_tasks  # heavy: for who wants it

    ending = f"_{spec.split}"
    tasks = lm_tasks(spec.task, spec.num_fewshot, data, limit)
    return [
        Benchmark(
            suite=ref.suite,
            name=f"{(ref if len(tasks) == 1 else task).name.removesuffix(ending)}{ending}",
            split=spec.split,
            path=ref.path,
            task=task,
            metrics=("lm_eval",),
            summary=spec.summary,
            language=spec.language,
            data_path=ref.path,
            data_sha256=task.sha256,
            licence=spec.licence,
            version=task.version,
            limit=limit,
            items=task.rows,
            settings={"lm_eval": spec.settings()},
            axis=spec.axis or Axis.GENERAL,
            axis_said=spec.axis is not None,
        )
        for task in tasks
    ]
