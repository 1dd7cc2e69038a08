"""A run of an MLflow store, under a lease."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from harness.protocols import DataInput, RunStatus
from harness.records import JSON
from harness.storage import leases
from harness.tracking import fields
from harness.tracking.library import MlflowClient, entities

_FLUSH_AFTER_S = 5.0
_Entry = TypeVar("_Entry")


class MlflowRun:
    """One run; metrics are held back a few seconds and sent together."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._metrics: list[entities.Metric] = []
        self._sent = time.monotonic()

    @property
    def run_id(self) -> str:
        return self._run_id

    def log_params(self, params: Mapping[str, JSON]) -> None:
        """Flat parameters; what is no text is written as JSON."""
        entries = [
            entities.Param(fields.safe_key(key), fields.param_text(value))
            for key, value in params.items()
        ]
        for batch in _batches(entries, fields.PARAMS_PER_BATCH):
            self._client.log_batch(self._run_id, params=batch)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step; sent with the next flush."""
        now = time.time_ns() // 1_000_000
        self._metrics += [
            entities.Metric(fields.safe_key(key), float(value), now, step)
            for key, value in metrics.items()
        ]
        full = len(self._metrics) >= fields.METRICS_PER_BATCH
        if full or time.monotonic() - self._sent > _FLUSH_AFTER_S:
            self.flush()

    def flush(self) -> None:
        held, self._metrics = self._metrics, []
        self._sent = time.monotonic()
        for batch in _batches(held, fields.METRICS_PER_BATCH):
            self._client.log_batch(self._run_id, metrics=batch)

    def set_tags(self, tags: Mapping[str, str]) -> None:
        entries = [entities.RunTag(key, value) for key, value in fields.safe_tags(tags).items()]
        for batch in _batches(entries, fields.TAGS_PER_BATCH):
            self._client.log_batch(self._run_id, tags=batch)

    def log_inputs(self, inputs: Sequence[DataInput]) -> None:
        """Data sets; MLflow's digest has room for half of the sha256, the profile for all."""
        self._client.log_inputs(
            self._run_id,
            [
                entities.DatasetInput(
                    entities.Dataset(
                        name=given.name,
                        digest=given.sha256[: fields.DIGEST_LENGTH],
                        source_type="local",
                        source=json.dumps({"uri": given.source}),
                        profile=json.dumps({"sha256": given.sha256}),
                    ),
                    tags=[entities.InputTag("mlflow.data.context", given.context)],
                )
                for given in inputs
            ],
        )

    def log_file(self, path: Path, folder: str | None = None) -> None:
        if path.is_dir():
            self._client.log_artifacts(self._run_id, str(path), folder)
        else:
            self._client.log_artifact(self._run_id, str(path), folder)

    def log_text(self, text: str, name: str) -> None:
        self._client.log_text(self._run_id, text, name)

    def log_table(self, rows: Sequence[Mapping[str, JSON]], name: str) -> None:
        """A table in the form MLflow's UI shows; its own ``log_table`` would append to an old one.

        Args:
            rows: A row may lack columns.
            name: Ends in .json.
        """
        columns = list(dict.fromkeys(key for row in rows for key in row))
        data = [[row.get(column) for column in columns] for row in rows]
        self.log_text(json.dumps({"columns": columns, "data": data}, ensure_ascii=False), name)
        tags = self._client.get_run(self._run_id).data.tags
        tables = json.loads(tags.get("mlflow.loggedArtifacts", "[]"))
        entry = {"path": name, "type": "table"}
        if entry not in tables:
            self.set_tags({"mlflow.loggedArtifacts": json.dumps([*tables, entry])})

    def last_step(self, key: str) -> int:
        """The greatest step at which a metric was logged; 0 when it never was."""
        history = self._client.get_metric_history(self._run_id, fields.safe_key(key))
        return max((metric.step for metric in history), default=0)

    def renew_lease(self) -> None:
        """Says that this process is alive; sends what was held back, too."""
        self.flush()
        self._client.set_tag(self._run_id, fields.ENDS, str(leases.ends()))

    def finish(self, status: RunStatus) -> None:
        self.flush()
        self._client.set_terminated(self._run_id, status)


def _batches(entries: Sequence[_Entry], size: int) -> Iterator[Sequence[_Entry]]:
    return (entries[start : start + size] for start in range(0, len(entries), size))
