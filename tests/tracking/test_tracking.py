import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mlflow import MlflowClient

from harness.errors import ConfigError
from harness.protocols import DataInput
from harness.storage import leases
from harness.tracking.fields import ENDS, OWNER, safe_key
from harness.tracking.location import existing_store, sqlite_file, store_uri
from harness.tracking.tracker import MlflowTracker

DEAD = "elsewhere/1/1"


@pytest.fixture
def tracker(tracked_folder: Path) -> MlflowTracker:
    return MlflowTracker()


def stored(tracker: MlflowTracker, run_id: str):
    return MlflowClient(tracking_uri=tracker.uri).get_run(run_id)


def test_the_default_store_is_the_one_a_bare_ui_shows(tracker: MlflowTracker) -> None:
    run = tracker.start_run("pocket", "trial 1")
    run.log_text("a: 1", "config.yaml")
    assert tracker.uri == "sqlite:///mlflow.db" or tracker.uri.endswith("/mlflow.db")
    assert list(Path("mlruns").glob("*/*/artifacts/config.yaml"))


def test_a_named_store_wins_over_the_environment(
    tracked_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    assert store_uri() == "sqlite:///other.db"
    assert store_uri("sqlite:///named.db") == "sqlite:///named.db"


def test_an_old_file_store_is_refused_with_the_way_out(tracked_folder: Path) -> None:
    (tracked_folder / "mlruns" / "0").mkdir(parents=True)
    (tracked_folder / "mlruns" / "0" / "meta.yaml").touch()
    with pytest.raises(ConfigError, match="migrate-filestore"):
        MlflowTracker()


def test_a_store_that_cannot_be_opened_says_so(tracked_folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"tracking store nonsense://x: cannot be opened"):
        MlflowTracker("nonsense://x")


def test_all_of_a_run_arrives(tracker: MlflowTracker) -> None:
    parent = tracker.start_run("pocket", "sweep")
    run = tracker.start_run("pocket", "trial 1", parent=parent.run_id, tags={"variant": "sft"})
    run.log_params({"lora.rank": 8, "eval.suites": ["a", "b"], "long": "x" * 7000} | many(150))
    run.log_metrics({"suite/x/pass@1": 0.5})
    run.log_metrics({"train/loss": 0.25}, step=3)
    run.set_tags({"signature/suite/x/bleu": "v" * 9000})
    run.log_inputs([DataInput("train", "ab" * 32, "data/train.jsonl", "train")])
    run.finish("FINISHED")
    found = stored(tracker, run.run_id)
    assert found.info.status == "FINISHED"
    assert found.data.tags["mlflow.parentRunId"] == parent.run_id
    assert found.data.params["lora.rank"] == "8"
    assert found.data.params["eval.suites"] == '["a", "b"]'
    assert found.data.params["long"].endswith("...")
    assert len(found.data.params) == 153
    assert found.data.metrics == {"suite/x/pass_1": 0.5, "train/loss": 0.25}
    assert len(found.data.tags["signature/suite/x/bleu"]) == 8000
    dataset = found.inputs.dataset_inputs[0].dataset
    assert dataset.digest == ("ab" * 32)[:36]
    assert json.loads(dataset.profile) == {"sha256": "ab" * 32}


def many(count: int) -> dict[str, int]:
    return {f"p{index}": index for index in range(count)}


def test_metrics_are_held_back_and_sent_in_batches(tracker: MlflowTracker) -> None:
    run = tracker.start_run("pocket", "trial 1")
    for step in range(1, 1500):
        run.log_metrics({"train/loss": 1 / step}, step)
    assert run.last_step("train/loss") == 1000
    run.flush()
    assert run.last_step("train/loss") == 1499
    assert run.last_step("never") == 0


def test_a_table_is_written_anew_not_appended_to(tracker: MlflowTracker) -> None:
    run = tracker.start_run("pocket", "sweep")
    run.log_table([{"trial": 1}], "front.json")
    run.log_table([{"trial": 1, "rank": 4}, {"trial": 2}], "front.json")
    client = MlflowClient(tracking_uri=tracker.uri)
    table = client.load_table(stored(tracker, run.run_id).info.experiment_id, "front.json")
    assert table[["trial"]].to_dict("list") == {"trial": [1, 2]}
    tags = json.loads(stored(tracker, run.run_id).data.tags["mlflow.loggedArtifacts"])
    assert tags == [{"path": "front.json", "type": "table"}]


def test_runs_whose_lease_ran_out_are_ended_and_no_others(tracker: MlflowTracker) -> None:
    mine = tracker.start_run("pocket", "mine")
    past, future = str(time.time() - 1), str(time.time() + 60)
    expired = tracker.start_run("pocket", "expired")
    expired.set_tags({OWNER: DEAD, ENDS: past})
    held = tracker.start_run("pocket", "held elsewhere")
    held.set_tags({OWNER: DEAD, ENDS: future})
    gone = tracker.start_run("pocket", "gone from here")
    gone.set_tags({OWNER: f"{leases.this_process().host}/{pid_of_the_dead()}/1", ENDS: future})
    other = tracker.start_run("another sweep", "expired too")
    other.set_tags({OWNER: DEAD, ENDS: past})
    client = MlflowClient(tracking_uri=tracker.uri)
    foreign = client.create_run(stored(tracker, mine.run_id).info.experiment_id)
    assert tracker.close_orphans("pocket") == 2
    runs = [mine, expired, held, gone, other]
    statuses = [stored(tracker, run.run_id).info.status for run in runs]
    assert statuses == ["RUNNING", "KILLED", "RUNNING", "KILLED", "RUNNING"]
    assert stored(tracker, foreign.info.run_id).info.status == "RUNNING"


def pid_of_the_dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_run_is_resumed_under_its_id(tracker: MlflowTracker) -> None:
    run = tracker.start_run("pocket", "trial 1", tags={OWNER: DEAD})
    run.finish("KILLED")
    again = tracker.resume_run(run.run_id)
    found = stored(tracker, run.run_id)
    assert found.info.status == "RUNNING"
    assert found.data.tags[OWNER] == str(leases.this_process())
    before = float(found.data.tags[ENDS])
    again.renew_lease()
    assert float(stored(tracker, run.run_id).data.tags[ENDS]) >= before


@pytest.mark.slow
def test_nothing_is_printed(tmp_path: Path) -> None:
    code = "from harness.tracking.tracker import MlflowTracker; MlflowTracker().start_run('a', 'b')"
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=tmp_path, env=environment, check=True
    )
    assert done.stdout + done.stderr == b""


def test_keys_hold_only_what_mlflow_takes() -> None:
    assert safe_key("acc,none") == "acc_none"
    assert safe_key("suite/größe") == "suite/gr__e"
    assert len(safe_key("x" * 300)) == 250


@pytest.mark.slow
def test_a_store_killed_while_it_was_made_is_made_anew(tmp_path):
    code = (
        "import sys; from harness.tracking.tracker import MlflowTracker\n"
        "print('ready', flush=True); MlflowTracker(sys.argv[1])"
    )
    for wait in (0.4, 1.0, 1.6):
        uri = f"sqlite:///{tmp_path}/{wait}.db"
        command = [sys.executable, "-c", code, uri]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            process.stdout.readline()
            time.sleep(wait)
            process.kill()
        MlflowTracker(uri)
        assert not list(tmp_path.glob("*draft*"))


def test_one_name_in_two_folders_is_two_stores(tmp_path, empty_tracking_store, monkeypatch):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(empty_tracking_store, tmp_path / folder / "same.db")
        monkeypatch.chdir(tmp_path / folder)
        MlflowTracker("sqlite:///same.db").start_run("experiment", folder)
        assert len(MlflowTracker("sqlite:///same.db").find_runs("experiment")) == 1


def test_a_folder_of_any_name_holds_its_store(tmp_path, monkeypatch):
    folder = tmp_path / "new comer, (1) 100 % #1?"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    MlflowTracker().start_run("experiment", "one")
    assert len(MlflowTracker(existing_store()).find_runs("experiment")) == 1
    assert sqlite_file(existing_store()) == folder / "mlflow.db"
    assert (folder / "mlflow.db").is_file()
