"""vLLM's worker: a real process of an interpreter that has a stand-in for vllm (tests/standins)."""

import contextlib
import json
import sys
from pathlib import Path

import pytest

from harness.benchmarks.spec import EvalSpec
from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.models.chat_model import ChatModel
from harness.models.generation.spec import VllmSpec
from harness.models.generation.vllm_adapter import stays_apart
from harness.models.generation.vllm_generate import VllmGenerator, vllm_identity
from harness.models.generation.vllm_process import check_vllm
from harness.models.identity import model_identity
from harness.models.lora import save_adapter
from harness.models.spec import LoraSpec, ModelSpec
from harness.processes.interpreter import VLLM
from harness.records import Decoding
from tests.models.moved import moved


@pytest.fixture
def python(python_with_vllm: str) -> str:
    return python_with_vllm


def spec(model: Path, dtype: str = "float32", **changes: object) -> ModelSpec:
    return ModelSpec.model_validate(
        {"path": str(model), "device": "cpu", "dtype": dtype, **changes}
    )


def generator(
    model: ModelSpec, python: str, room: Path, adapter: Path | None = None, **settings: object
) -> VllmGenerator:
    vllm = VllmSpec.model_validate({"python": python, **settings})
    return VllmGenerator(model, adapter, model_identity(model), vllm, room)


def saved(model: ChatModel, folder: Path, **lora: object) -> Path:
    tuned = moved(model, LoraSpec.model_validate({"rank": 4, "alpha": 8, **lora}))
    save_adapter(tuned, folder)
    return folder


def test_without_vllm_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"^vllm.python: nowhere: no such program") as error:
        VLLM.python("nowhere")
    assert "pip install vllm" in str(error.value)
    with pytest.raises(MissingExtra, match=r"^vllm.python: .* has no vllm"):
        VLLM.version(Path(sys.executable))
    broken = tmp_path / "python"
    broken.write_text("#!/bin/nothing\n")
    broken.chmod(0o755)
    with pytest.raises(MissingExtra, match="does not run"):
        VLLM.version(broken)


@pytest.mark.parametrize(
    ("change", "found"),
    [({"quantise": "nf4"}, "model.quantise: found 'nf4'"), ({"device_map": "auto"}, "device_map")],
)
def test_a_model_loaded_in_a_way_vllm_is_not_told_of_is_refused(
    change: dict[str, str], found: str
) -> None:
    with pytest.raises(ConfigError, match=found):
        check_vllm(ModelSpec.model_validate({"path": "m", **change}), VllmSpec())


def test_the_engine_is_in_a_configuration_only_where_it_is_vllm(python: str) -> None:
    plain = EvalSpec(suites=("a",))
    assert not {"engine", "vllm"} & set(plain.plain())
    assert plain.fingerprint() == EvalSpec(suites=("a",), engine="hugging_face").fingerprint()
    chosen = EvalSpec.model_validate(
        {"suites": ["a"], "engine": "vllm", "vllm": {"python": python, "gpu_share": 0.5}}
    )
    assert EvalSpec.model_validate(chosen.plain()) == chosen
    assert chosen.plain()["vllm"]["gpu_share"] == 0.5


def test_the_identity_names_the_version_and_what_changes_rounding(
    python: str, tiny_model_dir: Path
) -> None:
    model = spec(tiny_model_dir)
    known = model_identity(model)
    one = vllm_identity(known, model, None, VllmSpec(python=python))
    assert one == {
        **known,
        "batch_rule": "vllm 0.0.0, 1",
        "batch_size": 256,
        "gpus": 1,
        "max_length": None,
        "adapter_apart": False,
    }
    assert one == vllm_identity(known, model, None, VllmSpec(python=python, gpu_share=0.4))
    assert one != vllm_identity(known, model, None, VllmSpec(python=python, rows=8))


def test_an_adapter_stays_apart_where_vllm_takes_it(
    tiny_chat_model: ChatModel, tiny_model_dir: Path, tmp_path: Path
) -> None:
    half = spec(tiny_model_dir, "bfloat16")
    adapter = saved(tiny_chat_model, tmp_path / "adapter")
    assert stays_apart(half, adapter)
    assert not stays_apart(half, None)
    assert not stays_apart(spec(tiny_model_dir), adapter)
    assert not stays_apart(half.replace(adapter=str(adapter)), adapter)
    config = json.loads((adapter / "adapter_config.json").read_text())
    for change in (
        {"use_dora": True},
        {"r": 1024},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"trainable_token_indices": {"embed_tokens": [1]}},
        {"target_modules": ["q_proj", "lm_head"]},
        {"target_modules": "model.*"},
        {"peft_type": "LOHA"},
    ):
        (adapter / "adapter_config.json").write_text(json.dumps({**config, **change}))
        assert not stays_apart(half, adapter), change


@pytest.mark.parametrize(
    ("said", "mend"),
    [
        ("CUDA out of memory. Tried to allocate 2 GiB", "vllm.gpu_share"),
        ("No available memory for the cache blocks.", "vllm.max_length"),
        ("Failed to infer device type", "engine: hugging_face"),
        ("The model is longer than max_model_len", "vllm.max_length"),
    ],
)
def test_what_vllm_says_is_told_with_the_mend(
    python: str,
    tiny_model_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    mend: str,
) -> None:
    monkeypatch.setenv("STANDIN_FAILS", said)
    with contextlib.closing(generator(spec(tiny_model_dir), python, tmp_path)) as vllm:
        with pytest.raises(EvaluationError) as error:
            vllm.generate([(5, 6)], Decoding(3))
        assert vllm.pid is None
    assert f"vLLM failed while loading {tiny_model_dir}: RuntimeError: {said}" in str(error.value)
    assert mend in str(error.value)


def test_a_death_is_told_with_its_last_words(
    python: str, tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STANDIN_DIES", "1")
    with (
        contextlib.closing(generator(spec(tiny_model_dir), python, tmp_path)) as vllm,
        pytest.raises(EvaluationError, match=r"vLLM ended \(exit code 3\) while loading"),
    ):
        vllm.generate([(5, 6)], Decoding(3))
    assert list(tmp_path.iterdir()) == []
