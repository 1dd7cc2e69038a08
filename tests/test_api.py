import subprocess
import sys

import mlflow
import pytest

import harness
from harness import parse_key, run_trial
from tests.projects import write_project


def test_importing_the_public_names_is_light():
    code = (
        "from harness import SweepSpec, TrialConfig, run_trial; import sys; "
        "print(sorted({'torch', 'mlflow', 'optuna', 'transformers'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.slow
def test_a_trial_run_from_python_leaves_the_same_records_as_the_command(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir)
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    result = run_trial(config, home=tmp_path / "home", tracking_uri=uri)
    assert (tmp_path / "home" / "trials" / f"{result.fingerprint}.json").is_file()
    client = mlflow.MlflowClient(uri)
    (experiment,) = [one for one in client.search_experiments() if one.name == config.name]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    key = parse_key("mini_translation/en_de_test/chrf")
    assert run.data.metrics[str(key)] == pytest.approx(result.scores[key].value)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        harness.nonsense  # noqa: B018
