"""What a sweep's numbers are made from, by content.

Model, corpora, benchmarks, what methods and metrics read: a digest of each, by a name for people.
Where the files lie is left out, so a moved folder or another working directory is the same sweep.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from harness.benchmarks.data import data_folder
from harness.benchmarks.read import Benchmark, Selection
from harness.benchmarks.source import located
from harness.benchmarks.spec import EvalSpec
from harness.data.corpora import corpora_identity
from harness.data.spec import DataSpec
from harness.evaluation.score import metric_named
from harness.models.folder import ADAPTER_CONFIG
from harness.models.identity import content_hash, folder_hash, model_identity
from harness.models.spec import ModelSpec
from harness.models.teachers import teacher
from harness.protocols import Variant
from harness.records import JSON, SummaryKey, SummaryPart, TrialResult
from harness.settings.spec import Spec, digest, local_paths
from harness.settings.yaml import set_path
from harness.sweep.configurations import contexts
from harness.sweep.spec import SweepSpec
from harness.trial.config import TrialConfig

Named: TypeAlias = Iterator[tuple[str, JSON]]

_MODEL = {
    "content": "weights, tokenizer or configuration",
    "chat_template": "chat template",
    "adapter": "adapter",
    "pickled": "weights",
    "chat_date": "date of chats",
    "parts": "form of turns",
}
"""Parts of a model's identity that are no settings, and what people call them."""


def made_from(spec: SweepSpec, selection: Selection) -> dict[str, str]:
    """A digest of each thing the sweep reads, as it is now.

    Args:
        spec: Of the sweep.
        selection: Its benchmarks, of both splits.

    Raises:
        ConfigError, DataError: Something is not there, or not whole.
    """
    # in the order of the values that are searched: two that change places are a change
    digests: dict[str, dict[str, None]] = defaultdict(dict)
    everything = chain(
        _of_model("model", spec.base.model),
        *(_of_trial(config) for config in _reachable(spec)),
        _of_benchmarks(spec.base.eval, selection.benchmarks),
        _of_suites(selection),
    )
    for name, content in everything:
        digests[name].setdefault(digest(content))
    return {name: digest(list(several)) for name, several in digests.items()}


def known_of(result: TrialResult) -> dict[str, str]:
    """What a run's result tells of what it was made from: less than all, and enough to compare."""
    told = ("content", "chat_template", "adapter")
    model = {f"model/{part}": f"model: {_MODEL[part]}" for part in told}
    named: dict[str, JSON] = {model[tag]: text for tag, text in result.tags.items() if tag in model}
    named |= {
        f"corpus {tag.removeprefix('corpus/')}: text": text
        for tag, text in result.tags.items()
        if tag.startswith("corpus/")
    }
    named |= {f"suite {key}: scale": _scale(parts) for key, parts in result.summary_parts.items()}
    return {name: digest([digest(content)]) for name, content in named.items()}


def data_of(benchmarks: Mapping[str, str]) -> dict[str, str]:
    """As ``made_from``, of what an earlier version noted: the checksum of each benchmark's data."""
    return {f"benchmark {key}: data": digest([digest(sha)]) for key, sha in benchmarks.items()}


def _reachable(spec: SweepSpec) -> Iterator[TrialConfig]:
    """Configurations that together name every file a trial of the sweep may read."""
    yield spec.base
    for path, dimension in spec.space.items():
        files = [value for value in dimension.values or () if isinstance(value, str | Mapping)]
        for context in contexts(spec.space, path) if files else ():
            for value in files:
                with contextlib.suppress(ValidationError):  # of contexts that the trial tells of
                    yield spec.configure({**context, path: value})


def _of_model(called: str, spec: ModelSpec) -> Named:
    identity = model_identity(spec)
    for part, name in _MODEL.items():
        if part in identity:
            yield f"{called}: {name}", identity[part]


def _of_trial(config: TrialConfig) -> Named:
    if config.data is not None:
        yield from _of_corpora(config.data)
    for variant in config.methods():
        yield from _of_method(variant)


def _of_corpora(spec: DataSpec) -> Named:
    contents = {"sha256": "text", "target_sha256": "targets"}
    for name, identity in corpora_identity(spec).items():
        if identity is None:
            continue
        for part, called in contents.items():
            if part in identity:
                yield f"corpus {name}: {called}", identity[part]
        rest = {part: value for part, value in identity.items() if part not in contents}
        yield f"corpus {name}: how it is read", rest


def _of_method(variant: Variant) -> Named:
    for name, settings in variant.teachers.items():
        spec = teacher(settings)
        if isinstance(spec, ModelSpec):
            yield from _of_model(f"method {variant.name}, {name}", spec)
    if isinstance(variant, Spec):
        for setting, paths in local_paths(variant).items():
            yield f"method {variant.name}: {setting}", [_content(path) for path in paths]


def _of_benchmarks(spec: EvalSpec, benchmarks: Sequence[Benchmark]) -> Named:
    data = data_folder(spec)
    for benchmark in benchmarks:
        asked = benchmark.identity()
        yield f"benchmark {benchmark.key}: data", asked.pop("data")
        yield f"benchmark {benchmark.key}: how it is asked", asked
        for name in benchmark.metrics:
            settings = benchmark.settings_of(name, spec.metrics.get(name, {}))
            metric = metric_named(name, settings)
            plain = metric.plain() if isinstance(metric, Spec) else dict(settings)
            for setting, paths in local_paths(metric).items() if isinstance(metric, Spec) else ():
                set_path(plain, setting, [_content(path, data) for path in paths])
            yield f"benchmark {benchmark.key}: metric {name}", [benchmark.version, plain]


def _of_suites(selection: Selection) -> Named:
    parts: dict[SummaryKey, list[SummaryPart]] = defaultdict(list)
    for benchmark in (*selection.benchmarks, *selection.absent):
        if (summary := benchmark.summary) is not None:
            key = benchmark.score_key(summary.metric)
            part = SummaryPart(key, summary.worst, summary.best, summary.chance)
            parts[SummaryKey(benchmark.suite, benchmark.split)].append(part)
    for suite, of_suite in parts.items():
        yield f"suite {suite}: scale", _scale(of_suite)


def _scale(parts: Sequence[SummaryPart]) -> JSON:
    """What a summary is the mean of, in an order of its own."""
    return sorted([str(part.key), part.worst, part.best, part.chance] for part in parts)


def _content(path: str, data: Path | None = None) -> str:
    """Digest of a file, looked for in the data folder too, or a folder; else the text itself."""
    source = located(path, Path(), data) or Path(path).expanduser()
    if source.is_file():
        return content_hash(source)
    if not source.is_dir():
        return path
    if any((source / name).is_file() for name in (ADAPTER_CONFIG, "config.json")):
        return folder_hash(source)
    files = sorted(file for file in source.rglob("*") if file.is_file())
    return digest({str(file.relative_to(source)): content_hash(file) for file in files})
