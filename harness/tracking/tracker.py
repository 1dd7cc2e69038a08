"""An MLflow store.

Uses ``MlflowClient``, never the fluent API, whose stack of runs is not safe with several at once.
A run carries who owns it and until when to believe in them; whoever starts next ends the runs of
owners that are gone (leases: Gray and Cheriton 1989).
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path

from harness.errors import ConfigError, DataError
from harness.protocols import KnownRun
from harness.storage import leases
from harness.tracking.fields import ENDS, OWNER, RUNS_PER_PAGE, lease, safe_tags
from harness.tracking.library import MlflowClient, MlflowException, entities
from harness.tracking.location import absolute, create_whole, store_uri
from harness.tracking.run import MlflowRun


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
            placed = absolute(self.uri)
            create_whole(placed)
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
        given = safe_tags(tags or {}) | lease()
        if parent is not None:
            given["mlflow.parentRunId"] = parent
        run = self._client.create_run(self._experiment(experiment), tags=given, run_name=name)
        return MlflowRun(self._client, run.info.run_id)

    def resume_run(self, run_id: str) -> MlflowRun:
        self._client.update_run(run_id, status="RUNNING")
        run = MlflowRun(self._client, run_id)
        run.set_tags(lease())
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
        own = self._artifact(run_id, name)
        if own is not None:
            return [own]
        below = self._client.search_runs(
            [run.info.experiment_id],
            f"tags.`mlflow.parentRunId` = '{run_id}'",
            max_results=RUNS_PER_PAGE,
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
        record = self._client.get_experiment_by_name(experiment)
        if record is None:
            return []
        runs: list[KnownRun] = []
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [record.experiment_id], condition, max_results=RUNS_PER_PAGE, page_token=token
            )
            runs += [KnownRun(run.info.run_id, run.info.status, run.data.tags) for run in page]
            token = page.token
            if not token:
                return runs

    def _experiment(self, name: str) -> str:
        if name not in self._experiments:
            existing: entities.Experiment | None = self._client.get_experiment_by_name(name)
            if existing is not None and existing.lifecycle_stage != "active":
                raise ConfigError(
                    f"tracking store {self.uri}: the experiment {name!r} was deleted there",
                    "restore it (`mlflow experiments restore`) or remove it for good (`mlflow gc`)",
                )
            try:
                self._experiments[name] = (
                    existing.experiment_id if existing else self._client.create_experiment(name)
                )
            except MlflowException:  # another process made it in this moment
                theirs = self._client.get_experiment_by_name(name)
                if theirs is None:
                    raise
                self._experiments[name] = theirs.experiment_id
        return self._experiments[name]
