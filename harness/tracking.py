"""The only door to MLflow: runs under a lease, batched writes, nothing printed.

Uses ``MlflowClient``, never the fluent API, whose stack of runs is not safe with several at once.
A run carries who owns it and until when to believe in them; whoever starts next ends the runs of
owners that are gone (Jeffrey Gray's leases, in short).
"""

import json
import logging
import os
import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "3")  # its 7 take minutes

from mlflow import MlflowClient
from mlflow.entities import (
    Dataset,
    DatasetInput,
    Experiment,
    InputTag,
    Metric,
    Param,
    RunTag,
)
from mlflow.exceptions import MlflowException
from mlflow.tracking import get_tracking_uri

from harness import leases
from harness.errors import ConfigError, DataError
from harness.protocols import DataInput, KnownRun, RunStatus
from harness.publish import publish_once
from harness.records import JSON

for _name in ("mlflow", "alembic"):
    logging.getLogger(_name).setLevel(logging.WARNING)

OWNER = "harness.lease.owner"
ENDS = "harness.lease.ends"
_SQLITE = "sqlite:///"
_PLAIN_IN_PATHS = "/ !$&'()*+,:;=@[]~"

# Limits of MLflow 3.17 (mlflow/utils/validation.py)
_METRICS_PER_BATCH = 1000
_PARAMS_PER_BATCH = 100
_TAGS_PER_BATCH = 100
_KEY_LENGTH = 250
_PARAM_LENGTH = 6000
_TAG_LENGTH = 8000
_DIGEST_LENGTH = 36
_RUNS_PER_PAGE = 1000

_FLUSH_AFTER_S = 5.0


class MlflowRun:
    """One run; metrics are held back a few seconds and sent together."""

    def __init__(self, client: MlflowClient, run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._metrics: list[Metric] = []
        self._sent = time.monotonic()

    @property
    def run_id(self) -> str:
        """MLflow's id of it."""
        return self._run_id

    def log_params(self, params: Mapping[str, JSON]) -> None:
        """Flat parameters; what is no text is written as JSON."""
        entries = [
            Param(safe_key(key), _clipped(_text(value), _PARAM_LENGTH))
            for key, value in params.items()
        ]
        for start in range(0, len(entries), _PARAMS_PER_BATCH):
            batch = entries[start : start + _PARAMS_PER_BATCH]
            self._client.log_batch(self._run_id, params=batch)

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step; sent with the next flush."""
        now = time.time_ns() // 1_000_000
        self._metrics += [
            Metric(safe_key(key), float(value), now, step) for key, value in metrics.items()
        ]
        full = len(self._metrics) >= _METRICS_PER_BATCH
        if full or time.monotonic() - self._sent > _FLUSH_AFTER_S:
            self.flush()

    def flush(self) -> None:
        """Sends the metrics held back."""
        held, self._metrics = self._metrics, []
        self._sent = time.monotonic()
        for start in range(0, len(held), _METRICS_PER_BATCH):
            self._client.log_batch(self._run_id, metrics=held[start : start + _METRICS_PER_BATCH])

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Text to filter by."""
        entries = [
            RunTag(safe_key(key), _clipped(value, _TAG_LENGTH)) for key, value in tags.items()
        ]
        for start in range(0, len(entries), _TAGS_PER_BATCH):
            self._client.log_batch(self._run_id, tags=entries[start : start + _TAGS_PER_BATCH])

    def log_inputs(self, inputs: Sequence[DataInput]) -> None:
        """Data sets; MLflow's digest has room for half of the sha256, the profile for all."""
        self._client.log_inputs(
            self._run_id,
            [
                DatasetInput(
                    Dataset(
                        name=given.name,
                        digest=given.sha256[:_DIGEST_LENGTH],
                        source_type="local",
                        source=json.dumps({"uri": given.source}),
                        profile=json.dumps({"sha256": given.sha256}),
                    ),
                    tags=[InputTag("mlflow.data.context", given.context)],
                )
                for given in inputs
            ],
        )

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """A file, or all in a folder, as an artifact."""
        if path.is_dir():
            self._client.log_artifacts(self._run_id, str(path), folder)
        else:
            self._client.log_artifact(self._run_id, str(path), folder)

    def log_text(self, text: str, name: str) -> None:
        """A text as an artifact."""
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
        history = self._client.get_metric_history(self._run_id, safe_key(key))
        return max((metric.step for metric in history), default=0)

    def renew_lease(self) -> None:
        """Says that this process is alive; sends what was held back, too."""
        self.flush()
        self._client.set_tag(self._run_id, ENDS, str(leases.ends()))

    def finish(self, status: RunStatus) -> None:
        """The terminal status."""
        self.flush()
        self._client.set_terminated(self._run_id, status)


def sqlite_file(uri: str) -> Path | None:
    """The file of a SQLite store, in whose URI MLflow writes a blank as ``%20``.

    >>> sqlite_file("sqlite:////home/new%20comer/mlflow.db")
    PosixPath('/home/new comer/mlflow.db')
    """
    if not uri.startswith(_SQLITE) or uri == _SQLITE or "?" in uri:  # options follow a "?"
        return None
    return Path(unquote(uri.removeprefix(_SQLITE))).absolute()


def _uri_of(file: Path) -> str:
    # A blank stays one: MLflow would make a folder of the name with %20 beside the true one.
    return f"{_SQLITE}{quote(str(file), safe=_PLAIN_IN_PATHS)}"


def _absolute(uri: str) -> str:
    """The URI wherever the process goes: MLflow keeps open stores by URI, whatever the folder."""
    file = sqlite_file(uri)
    return uri if file is None else _uri_of(file)


def _create_whole(uri: str) -> None:
    """Makes the file of a new SQLite store, all its tables or none.

    MLflow makes them one by one; what is left of a process killed meanwhile cannot be opened again.
    """
    file = sqlite_file(uri)
    if file is not None:
        publish_once(
            file,
            lambda draft: MlflowClient(_uri_of(draft)).search_experiments(max_results=1),
        )


class MlflowTracker:
    """A tracking store.

    Args:
        uri: Of the store; None for ``MLFLOW_TRACKING_URI``, else MLflow's own default, so that a
            bare ``mlflow ui`` in the folder shows the runs.
    """

    def __init__(self, uri: str | None = None) -> None:
        self.uri = store_uri(uri)
        self._experiments: dict[str, str] = {}
        try:
            placed = _absolute(self.uri)
            _create_whole(placed)
            self._client = MlflowClient(tracking_uri=placed)
            self._client.search_experiments(max_results=1)
        except Exception as error:
            # Whatever lies behind the URI raises what it likes: SQLAlchemy, requests, MLflow.
            raise ConfigError(f"tracking store {self.uri}: cannot be opened: {error}") from None

    def start_run(
        self,
        experiment: str,
        name: str,
        *,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> MlflowRun:
        """Opens a run under lease."""
        given = {safe_key(k): _clipped(v, _TAG_LENGTH) for k, v in (tags or {}).items()} | _lease()
        if parent is not None:
            given["mlflow.parentRunId"] = parent
        run = self._client.create_run(self._experiment(experiment), tags=given, run_name=name)
        return MlflowRun(self._client, run.info.run_id)

    def resume_run(self, run_id: str) -> MlflowRun:
        """Continues a run this store has."""
        self._client.update_run(run_id, status="RUNNING")
        run = MlflowRun(self._client, run_id)
        run.set_tags(_lease())
        return run

    def find_runs(self, experiment: str) -> list[KnownRun]:
        """The experiment's runs, the latest first."""
        return self._search(experiment, "")

    def close_orphans(self, experiment: str) -> int:
        """Ends the experiment's open runs whose owner is gone or whose lease ran out.

        Runs without a lease are not the harness's and are left alone.
        """
        closed = 0
        for run in self._search(experiment, "attributes.status = 'RUNNING'"):
            if OWNER not in run.tags:
                continue
            owner = leases.parse_owner(run.tags[OWNER])
            if not leases.is_alive(owner, float(run.tags.get(ENDS, "0"))):
                self._client.set_tag(run.run_id, "harness.ended", "its process was gone")
                self._client.set_terminated(run.run_id, "KILLED")
                closed += 1
        return closed

    def read_texts(self, run_id: str, name: str) -> list[str]:
        """A text artifact of a run, or where it has none those of the runs below it.

        Raises:
            DataError: No such run.
        """
        try:
            run = self._client.get_run(run_id)
        except MlflowException:
            raise DataError(f"run {run_id}: no such run in {self.uri}") from None
        found = self._artifact(run_id, name)
        if found is not None:
            return [found]
        below = self._client.search_runs(
            [run.info.experiment_id],
            f"tags.`mlflow.parentRunId` = '{run_id}'",
            max_results=_RUNS_PER_PAGE,
        )
        texts = [self._artifact(child.info.run_id, name) for child in below]
        return [text for text in texts if text is not None]

    def _artifact(self, run_id: str, name: str) -> str | None:
        if all(one.path != name for one in self._client.list_artifacts(run_id)):
            return None
        with tempfile.TemporaryDirectory() as folder:
            path = self._client.download_artifacts(run_id, name, folder)
            return Path(path).read_text(encoding="utf-8")

    def _search(self, experiment: str, condition: str) -> list[KnownRun]:
        known = self._client.get_experiment_by_name(experiment)
        if known is None:
            return []
        found: list[KnownRun] = []
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [known.experiment_id], condition, max_results=_RUNS_PER_PAGE, page_token=token
            )
            found += [KnownRun(run.info.run_id, run.info.status, run.data.tags) for run in page]
            token = page.token
            if not token:
                return found

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            known: Experiment | None = self._client.get_experiment_by_name(name)
            if known is not None and known.lifecycle_stage != "active":
                raise ConfigError(
                    f"tracking store {self.uri}: the experiment {name!r} was deleted there",
                    "restore it (`mlflow experiments restore`) or remove it for good (`mlflow gc`)",
                )
            try:
                self._experiments[name] = (
                    known.experiment_id if known else self._client.create_experiment(name)
                )
            except MlflowException:  # another process made it in this moment
                made = self._client.get_experiment_by_name(name)
                if made is None:
                    raise
                self._experiments[name] = made.experiment_id
        return self._experiments[name]


def store_uri(uri: str | None = None) -> str:
    """The store used for a URI: itself, ``MLFLOW_TRACKING_URI``, or MLflow's default.

    Raises:
        ConfigError: An old ``./mlruns`` file store lies in the way of the default.
    """
    found = uri or get_tracking_uri()
    if found.startswith("file:") or found in ("mlruns", "./mlruns"):
        raise ConfigError(
            f"tracking store {found}: MLflow no longer writes to file stores",
            "move the old ./mlruns folder away (`mlflow migrate-filestore` converts it), or name a "
            "store: --tracking-uri sqlite:///mlflow.db",
        )
    return str(found)


def existing_store(uri: str | None = None) -> str:
    """As ``store_uri``, for reading: a local store that is not there is not made.

    Raises:
        ConfigError: There is no such store.
    """
    found = store_uri(uri)
    file = sqlite_file(found)
    if file is not None and not file.is_file():
        raise ConfigError(
            f"{unquote(found.removeprefix(_SQLITE))}: no such MLflow store ({found})",
            "a sweep or a run makes it; --tracking-uri names another",
        )
    return found


def safe_key(key: str) -> str:
    """A key MLflow takes: other characters than it allows become ``_``.

    >>> safe_key("suite/x/pass@1")
    'suite/x/pass_1'
    """
    return re.sub(r"[^\w\-. :/]", "_", key, flags=re.ASCII)[:_KEY_LENGTH]


def _lease() -> dict[str, str]:
    return {OWNER: str(leases.this_process()), ENDS: str(leases.ends())}


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clipped(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."
