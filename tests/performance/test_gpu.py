"""The script that measures on an accelerator, up to the device."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.performance.gpu import halved_while_full
from tests.performance.shapes import SHAPES, peak_of, random_model, work_of
from tests.performance.steps import Clock, Plan

PARAMETERS = {
    "llama-2-7b": 6_738_415_616,
    "llama-3-8b": 8_030_261_248,
    "mistral-7b": 7_248_023_552,
    "qwen2.5-7b": 7_615_616_512,
}
"""Of the published models."""


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_has_as_many_parameters_as_the_published_model(name):
    model = random_model(SHAPES[name], "meta")
    work = work_of(model)
    assert work.body + work.head + work.embeddings == PARAMETERS[name]
    assert work.head == work.embeddings == SHAPES[name].vocabulary * SHAPES[name].hidden
    assert {parameter.dtype for parameter in model.parameters()} == {torch.bfloat16}


@pytest.mark.parametrize(
    ("device", "peak"),
    [
        ("NVIDIA H200", 989e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("Some other card", None),
    ],
)
def test_the_peak_is_that_of_the_device(device, peak):
    assert peak_of(device) == peak


def test_rows_are_of_one_length_and_make_whole_steps():
    plan = Plan(batch=4, length=32, steps=2, warmup=1, rank=4)
    rows = plan.rows(512)
    assert len(rows) == 12
    assert {len(row.ids) for row in rows} == {32}
    assert {row.roles.count("prompt") for row in rows} == {8}
    assert rows == plan.rows(512)


def test_only_steps_behind_the_warm_up_count():
    assert Clock(2, False, [1.0, 5.0, 5.5, 6.25]).seconds() == [0.5, 0.75]


def test_the_usual_way_gets_smaller_micro_batches_while_memory_is_full():
    tried = []

    def train(micro):
        tried.append(micro)
        if micro > 2:
            raise torch.OutOfMemoryError("full")
        return {"micro_batch_rows": micro}

    assert halved_while_full(train, 16) == {"micro_batch_rows": 2}
    assert tried == [16, 8, 4, 2]


def test_memory_that_has_no_room_for_a_row_is_said():
    def train(micro):
        raise torch.OutOfMemoryError("full")

    assert halved_while_full(train, 4) == {"failed": "out of memory with one row at a time"}


@pytest.mark.slow
@pytest.mark.parametrize("shape", ["llama-3-8b", "mistral-7b", "qwen2.5-7b"])
def test_the_rehearsal_runs_to_its_end(tmp_path: Path, shape: str):
    command = [sys.executable, "-m", "tests.performance.gpu", "--small", "--shape", shape]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [*command, "--output", str(tmp_path)], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert [(run["by"], run["checkpointing"]) for run in found["runs"]] == [
        ("harness", False),
        ("Trainer + PEFT", False),
        ("harness", True),
        ("Trainer + PEFT", True),
    ]
    for run in found["runs"]:
        assert run["micro_batch_rows"] == 4
        assert len(run["seconds"]) == 2
        assert run["tokens_per_second"] > 0
        assert run["share_of_peak"] is None
    table = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert f"{shape}, toy, on cpu (rehearsal)" in table
    assert table.count("| not known |") == 4


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is an accelerator here")
@pytest.mark.slow
def test_without_an_accelerator_it_says_how_to_rehearse():
    command = [sys.executable, "-m", "tests.performance.gpu"]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--small rehearses on the CPU" in done.stderr
