"""Whether a run is one of the baseline's made again: its settings and its seed, as values.

Settings that a side does not say count as their defaults. What lies at a path counts by its content
where the run noted that, and nothing that says where or by which version something is computed, nor
which benchmarks are scored: scores are compared by key and signature.
"""

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

from harness.records import JSON, TrialResult
from harness.settings.yaml import flatten

Completed: TypeAlias = Callable[[Mapping[str, JSON]], Mapping[str, JSON]]
"""A configuration with the defaults of what it does not say."""

_NO_SETTINGS = (
    "name",
    "seed",
    "model.device*",
    "model.threads",
    "model.revision",
    "*vllm.python",
    "train.checkpoint_every",
    "eval.suites",
    "eval.folder",
    "eval.data",
    "eval.splits",
    "eval.limit",
    "eval.metrics*",
    "eval.comet_*",
)
"""Labels, where something is computed, and what is scored."""

_CONTENT = {
    "model.path": "model/content",
    "model.adapter": "model/adapter",
    "model.chat_template": "model/chat_template",
}
"""Tag of a run that says what lay at a path."""


def other_settings(
    first: TrialResult, second: TrialResult, completed: Completed
) -> tuple[str, ...]:
    """The settings in which two runs differ, apart from the seed: dotted paths with both values."""
    sides = [_settings(run, completed) for run in (first, second)]
    contents = [_contents(run) for run in (first, second)]
    differing = []
    for path in sorted({*sides[0], *sides[1], *contents[0], *contents[1]}):
        read = [content.get(path) for content in contents]
        if None in read:
            values = [side.get(path) for side in sides]
            if values[0] != values[1]:
                differing.append(f"{path} {_shown(values[0])} / {_shown(values[1])}")
        elif read[0] != read[1]:
            differing.append(f"{path}: other content")
    return tuple(differing)


def _settings(run: TrialResult, completed: Completed) -> dict[str, JSON]:
    flat = {"variant.name": run.variant, **flatten(_numbered(completed(run.config)))}
    return {
        path: value
        for path, value in flat.items()
        if value is not None and not any(fnmatchcase(path, pattern) for pattern in _NO_SETTINGS)
    }


def _numbered(value: Mapping[str, JSON]) -> dict[str, JSON]:
    """Lists of mappings as mappings by number, so that what is in them has a dotted path."""
    plain: dict[str, JSON] = {}
    for name, part in value.items():
        if isinstance(part, list | tuple) and any(isinstance(entry, Mapping) for entry in part):
            part = {str(number): entry for number, entry in enumerate(part)}
        plain[name] = _numbered(part) if isinstance(part, Mapping) else part
    return plain


def _contents(run: TrialResult) -> dict[str, str]:
    """What lay at the run's paths, by the dotted path of the setting."""
    read = {path: run.tags[tag] for path, tag in _CONTENT.items() if tag in run.tags}
    for tag, content in run.tags.items():
        kind, _, name = tag.partition("/")
        if kind == "corpus":
            read[f"data.{name}.path"] = content
        elif kind == "content":
            read[name] = content
    return read


def _shown(value: JSON) -> str:
    text = "not set" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def runs_made_again(
    baseline: Sequence[TrialResult], candidate: Sequence[TrialResult]
) -> list[TrialResult]:
    """The baseline's runs with the seeds of the candidate, in its order; those it has."""
    by_seed = {run.seed: run for run in baseline}
    return [by_seed[run.seed] for run in candidate if run.seed in by_seed]
