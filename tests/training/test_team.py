import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ConfigError
from harness.training.batches import shares
from harness.training.team import ALONE
from harness.trial.config import TrialConfig, accelerators
from harness.trial.preflight import preflight
from tests.projects import write_project


def of_lengths(*lengths):
    return [type("Row", (list,), {})(range(length)) for length in lengths]


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 9))
def test_every_row_is_in_one_share_and_shares_have_about_as_many_tokens(lengths, size):
    rows = of_lengths(*lengths)
    parts = shares(rows, size)
    dealt = [id(row) for part in parts for row in part]
    assert sorted(dealt) == sorted(map(id, rows))
    places = {id(row): place for place, row in enumerate(rows)}
    assert all(
        [places[id(row)] for row in part] == sorted(places[id(row)] for row in part)
        for part in parts
    )
    tokens = [sum(map(len, part)) for part in parts]
    assert max(tokens) - min(tokens) <= max(lengths, default=0)


def test_fewer_rows_than_processes_leave_some_without():
    assert [list(map(len, part)) for part in shares(of_lengths(3, 9), 3)] == [[9], [3], []]


def test_alone_a_process_has_every_row_and_does_all_the_work():
    rows = of_lengths(*random.Random(1).sample(range(1, 90), 20))
    assert ALONE.share(rows) == rows
    assert ALONE.all_gather(lambda: 7) == [7]
    assert ALONE.broadcast(lambda: "rows") == "rows"
    assert ALONE.leads


def test_one_model_is_not_spread_and_copied_at_once(tmp_path, tiny_model_dir):
    plain = write_project(tmp_path, tiny_model_dir).plain()
    plain["train"]["processes"] = 2
    plain["model"] |= {"device": "auto", "device_map": "auto"}
    with pytest.raises(ValueError, match=r"train\.processes: found 2, allowed 1 with"):
        TrialConfig.model_validate(plain)


def test_more_processes_than_accelerators_are_refused_before_anything_is_done(
    tmp_path, tiny_model_dir, monkeypatch
):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    config = write_project(tmp_path, tiny_model_dir)
    config = config.replace(
        train=config.train.replace(processes=3), model=config.model.replace(device="auto")
    )
    with pytest.raises(ConfigError, match=r"found 3, allowed at most 2, one for each .* \(0, 1\)"):
        preflight(config)


def test_one_process_is_the_default_and_leaves_no_trace_in_what_identifies_a_run(
    tmp_path, tiny_model_dir
):
    config = write_project(tmp_path, tiny_model_dir)
    assert "processes" not in config.plain()["train"]
    assert config.train.replace(processes=2).plain()["processes"] == 2


def test_a_trial_takes_as_many_accelerators_as_its_hungriest_part(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir)
    assert max(accelerators(config).values()) == 1
    split = config.replace(eval=config.eval.replace(engine="vllm", vllm={"gpus": 4}))
    assert accelerators(split) == {"train.processes": 1, "eval.vllm.gpus": 4}
    written = config.replace(generation={"engine": "vllm", "vllm": {"gpus": 2}})
    assert accelerators(written) == {"train.processes": 1, "generation.vllm.gpus": 2}
