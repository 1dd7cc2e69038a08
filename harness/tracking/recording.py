"""What a run shows in a tracking store: settings, curves, scores, provenance, artifacts.

A projection of results that are kept elsewhere: whatever is missing in the store can be written
again from the home folder. Knows the seam only, not MLflow.
"""

import json
import logging
import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

import yaml

from harness.benchmarks.read import find_benchmarks
from harness.benchmarks.spec import EvalSpec
from harness.data.examples import load_examples
from harness.errors import ConfigError, DataError
from harness.evaluation.score import judgements_file
from harness.models.answering_file import ANSWERING_FILE
from harness.protocols import DataInput, TrackedRun
from harness.records import Event, StepEvent, TrialResult
from harness.settings.spec import digest
from harness.settings.yaml import flatten
from harness.storage.results import results_text
from harness.storage.store import MANIFEST, Store
from harness.trial.config import TrialConfig
from harness.trial.curves import stage_folder, stored_curves

logger = logging.getLogger(__name__)

CURVE = "train/loss"
"""Logged at every point of the training curves: tells how far they were written."""

RESULTS = "results.json"
"""Artifact of a run: its result, as ``harness check`` reads it."""

_ADAPTER_FOLDER = "adapter"
_PREDICTIONS = "predictions/"


class Recorder:
    """Writes one run of a configuration as it goes on.

    Args:
        run: The run in the tracking store.
        resumed: Whether curves may be there already; points are then not written twice.
    """

    def __init__(self, run: TrackedRun, *, resumed: bool = False) -> None:
        self.run = run
        self._last_step = run.last_step(CURVE) if resumed else 0

    def begin(self, config: TrialConfig) -> None:
        """The settings, before anything happens."""
        plain = config.plain()
        self.run.log_params(flatten(plain))
        self.run.set_tags(
            {
                "variant": config.variant.name,
                "fingerprint": config.fingerprint(),
                "configuration": config.configuration_fingerprint(),
                **git_state(),
            }
        )
        self.run.log_text(yaml.safe_dump(plain, sort_keys=False), "config.yaml")
        self.run.log_text(environment(), "environment.txt")

    def on_event(self, event: Event) -> None:
        """A point of the training curves, unless it is there."""
        if isinstance(event, StepEvent) and event.step > self._last_step:
            self._last_step = event.step
            self.run.log_metrics(event.metrics, event.step)

    def end(self, result: TrialResult, home: Path) -> None:
        """Scores, provenance and artifacts of a finished run."""
        for event in stored_curves(result, home):  # those that nobody was there to see
            self.on_event(event)
        self.run.log_metrics(final_metrics(result))
        self.run.set_tags(_provenance(result))
        self.run.log_inputs(data_inputs(result))
        self._artifacts(result, Store(home / "store"))
        self.run.log_text(results_text([result]), RESULTS)
        self.run.flush()

    def _artifacts(self, result: TrialResult, store: Store) -> None:
        adapter = stage_folder(store, result, "adapter")
        if adapter is not None and (adapter / _ADAPTER_FOLDER).is_dir():
            self.run.log_file(adapter / _ADAPTER_FOLDER, "adapter")
        answering = stage_folder(store, result, "answering")
        if answering is not None:
            self.run.log_file(answering / ANSWERING_FILE, "answering")
        examples = stage_folder(store, result, "examples")
        if examples is not None and (table := load_examples(examples).table):
            self.run.log_table(table, "rationales.json")
        for stage in result.stages:
            folder = stage_folder(store, result, stage) if stage.startswith(_PREDICTIONS) else None
            for path in sorted(folder.iterdir()) if folder is not None else ():
                if path.name != MANIFEST:
                    self.run.log_file(path, stage)
        for key, score in result.scores.items():
            predictions = result.stages.get(f"{_PREDICTIONS}{key.path}")
            judgements = predictions and judgements_file(store, predictions, score)
            if judgements:
                self.run.log_file(judgements, f"judgements/{key}")


def final_metrics(result: TrialResult) -> dict[str, float]:
    """Scores and summaries by the text of their keys, facts, seconds per stage."""
    return {
        **{str(key): score.value for key, score in result.scores.items()},
        **{str(key): value for key, value in result.summaries.items()},
        **result.facts,
        **{f"seconds/{stage}": seconds for stage, seconds in result.seconds.items()},
    }


def data_inputs(result: TrialResult) -> list[DataInput]:
    """The corpora trained on and the benchmarks scored, each with the sha256 of its file."""
    settings = flatten(result.config)
    inputs = [
        DataInput(name, sha256, str(path), name)
        for key, sha256 in result.tags.items()
        if (name := key.removeprefix("corpus/")) != key
        and (path := settings.get(f"data.{name}.path"))
    ]
    benchmarks = _benchmark_files(json.dumps(result.config["eval"], sort_keys=True))
    return inputs + [DataInput(key, sha, path, "benchmark") for key, sha, path in benchmarks]


@cache
def _benchmark_files(eval_json: str) -> tuple[tuple[str, str, str], ...]:
    try:
        benchmarks = find_benchmarks(EvalSpec.model_validate(json.loads(eval_json)))
    except (ConfigError, DataError) as error:  # moved or changed since the run
        logger.warning("benchmarks are not logged as inputs: %s", error.message)
        return ()
    return tuple((b.key, b.data_sha256, str(b.data_path)) for b in benchmarks)


def _provenance(result: TrialResult) -> dict[str, str]:
    return {
        **result.tags,
        "base_model": digest({k: v for k, v in result.tags.items() if k.startswith("model/")})[:16],
        **{f"signature/{key}": score.signature for key, score in result.scores.items()},
        **{f"unmeasured/{key}": reason for key, reason in result.unmeasured.items()},
        **{f"stage/{name}": key for name, key in result.stages.items()},
    }


@cache
def git_state() -> dict[str, str]:
    """Commit of the working directory and whether tracked files differ from it; {} without git."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments], capture_output=True, text=True, check=True, timeout=10
        ).stdout.strip()

    try:
        commit = git("rev-parse", "HEAD")
        dirty = bool(git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return {}
    return {
        "git.commit": commit,
        "git.dirty": str(dirty).lower(),
        "mlflow.source.git.commit": commit,
    }


@cache
def environment() -> str:
    """Python, machine and every installed package with its version."""
    packages = sorted(
        {f"{found.name}=={found.version}" for found in metadata.distributions()}, key=str.lower
    )
    head = [f"python {platform.python_version()}", f"platform {platform.platform()}"]
    return "\n".join([*head, "", *packages, ""])
