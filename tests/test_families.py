"""`harness run` on toy models of four architectures: 50 steps of sft and of radis each."""

import json

import pytest
import yaml
from click.testing import CliRunner

from harness.cli.main import main
from harness.tracking.tracker import MlflowTracker
from tests.projects import write_project
from tests.toys.families import save_toy

pytestmark = pytest.mark.slow

STEPS = 50
JOINED = {"mistral", "gemma3"}


@pytest.mark.parametrize("name", ["llama", "mistral", "qwen3", "gemma3"])
def test_a_family_is_tuned_by_both_methods_through_the_command_line(tracked_folder, name):
    model = save_toy(tracked_folder / "model", name)
    config = write_project(tracked_folder, model)
    plain = config.plain()
    plain["train"] |= {"steps": STEPS, "log_every": 5}
    plain["data"]["system"] = "You are a translator."
    seen = set()
    for variant in ({"name": "sft"}, {"name": "radis", "max_rationale_tokens": 6}):
        method = variant["name"]
        path = tracked_folder / f"{method}.yaml"
        path.write_text(yaml.safe_dump({**plain, "name": method, "variant": variant}))
        result = CliRunner().invoke(main, ["run", str(path), "--json"])
        assert result.exit_code == 0, result.stderr
        document = json.loads(result.stdout)
        (curve,) = set(tracked_folder.glob(".harness/store/adapter/*/curves.jsonl")) - seen
        seen.add(curve)
        points = [json.loads(line) for line in curve.read_text().splitlines()]
        losses = [point["metrics"]["train/loss/translation"] for point in points]
        assert points[-1]["step"] == STEPS
        assert losses[-1] < 0.5 * losses[0]
        (run,) = [
            one
            for one in MlflowTracker(f"sqlite:///{tracked_folder}/mlflow.db").find_runs(method)
            if one.run_id == document["run_id"]
        ]
        assert run.status == "FINISHED"
        assert run.tags["chat/system"].startswith("joined" if name in JOINED else "own")
        assert ("model/thinking" in run.tags) == (name == "qwen3")
