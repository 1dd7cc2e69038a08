"""vLLM's worker: a real process of an interpreter that has a stand-in for vllm (tests/standins)."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.evaluation.spec import EvalSpec
from harness.models.chat_model import ChatModel
from harness.models.generate import HuggingFaceGenerator
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.lora import load_adapter, save_adapter
from harness.models.spec import LoraSpec, ModelSpec
from harness.models.vllm_adapter import stays_apart
from harness.models.vllm_generate import VllmGenerator, vllm_identity
from harness.models.vllm_process import check_vllm, vllm_python, vllm_version
from harness.models.vllm_spec import VllmSpec
from harness.protocols import Generator
from harness.records import Decoding, Message
from harness.trial import run_trial
from tests.models.moved import moved
from tests.models.test_generate import some_prompts
from tests.projects import write_project


@pytest.fixture
def python(python_with_vllm: str) -> str:
    return python_with_vllm


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in was asked."""
    monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def spec(model: Path, dtype: str = "float32", **changes: object) -> ModelSpec:
    return ModelSpec.model_validate(
        {"path": str(model), "device": "cpu", "dtype": dtype, **changes}
    )


def generator(
    model: ModelSpec, python: str, room: Path, adapter: Path | None = None, **settings: object
) -> VllmGenerator:
    vllm = VllmSpec.model_validate({"python": python, **settings})
    return VllmGenerator(model, adapter, model_identity(model), vllm, room)


def lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def saved(model: ChatModel, folder: Path, **lora: object) -> Path:
    tuned = moved(model, LoraSpec.model_validate({"rank": 4, "alpha": 8, **lora}))
    save_adapter(tuned, folder)
    return folder


def test_without_vllm_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(MissingExtra, match=r"eval.vllm.python: nowhere: no such program") as error:
        vllm_python("nowhere")
    assert "pip install vllm" in str(error.value)
    with pytest.raises(MissingExtra, match=r"eval.vllm.python: .* has no vllm"):
        vllm_version(Path(sys.executable))
    broken = tmp_path / "python"
    broken.write_text("#!/bin/nothing\n")
    broken.chmod(0o755)
    with pytest.raises(MissingExtra, match="does not run"):
        vllm_version(broken)


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
        ("CUDA out of memory. Tried to allocate 2 GiB", "eval.vllm.gpu_share"),
        ("No available memory for the cache blocks.", "eval.vllm.max_length"),
        ("Failed to infer device type", "eval.engine: hugging_face"),
        ("The model is longer than max_model_len", "eval.vllm.max_length"),
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
    with generator(spec(tiny_model_dir), python, tmp_path) as vllm:
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
        generator(spec(tiny_model_dir), python, tmp_path) as vllm,
        pytest.raises(EvaluationError, match=r"vLLM ended \(exit code 3\) while loading"),
    ):
        vllm.generate([(5, 6)], Decoding(3))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_it_answers_as_hugging_face_does(
    python: str, tiny_chat_model: ChatModel, tiny_model_dir: Path, tmp_path: Path, log: Path
) -> None:
    usual, prompts = HuggingFaceGenerator(tiny_chat_model, 4), some_prompts(9)
    model = spec(tiny_model_dir)
    with generator(model, python, tmp_path / "room", rows=8, max_length=200) as vllm:
        assert isinstance(vllm, Generator)
        assert vllm.pid is None
        chat = vllm.encode_chat((Message("user", "Grüß Gott"),))
        assert chat == usual.encode_chat((Message("user", "Grüß Gott"),))
        asked = [*prompts, chat, prompts[0]]
        answers = vllm.generate(asked, Decoding(12))
        assert answers == usual.generate(asked, Decoding(12))
        rows = list(zip(prompts, [*reversed(prompts[1:]), ()], strict=True))
        for one, other in zip(vllm.loglikelihoods(rows), usual.loglikelihoods(rows), strict=True):
            assert one == pytest.approx(other, abs=1e-3)
        greedy = [(prompts[0], answers[0].token_ids[:3])]
        assert vllm.loglikelihoods(greedy)[0][1] is True

        sampled = vllm.generate([prompts[0]] * 3, Decoding(12, 1.0, 7))
        assert len({one.token_ids for one in sampled}) == 3
        assert sampled == vllm.generate([prompts[0]] * 3, Decoding(12, 1.0, 7))
        assert sampled[:1] == vllm.generate([prompts[0]], Decoding(12, 1.0, 7))
        assert sampled != vllm.generate([prompts[0]] * 3, Decoding(12, 1.0, 8))
        with pytest.raises(EvaluationError, match="longer than the maximum model length of 200"):
            vllm.generate([(5,) * 201], Decoding(1))
    first, *others = lines(log)
    assert first == {
        "model": str(tiny_model_dir),
        "skip_tokenizer_init": True,
        "dtype": "float32",
        "trust_remote_code": False,
        "load_format": "safetensors",
        "generation_config": "vllm",
        "seed": 0,
        "tensor_parallel_size": 1,
        "gpu_memory_utilization": 0.9,
        "max_num_seqs": 8,
        "max_model_len": 200,
    }
    assert others[0] == {"asked": 10}  # equal greedy prompts once


@pytest.mark.slow
def test_adapters_apart_and_merged_are_those_of_hugging_face(
    python: str, tiny_chat_model: ChatModel, tiny_model_dir: Path, tmp_path: Path, log: Path
) -> None:
    prompts, room = some_prompts(9), tmp_path / "room"
    adapter = saved(tiny_chat_model, tmp_path / "adapter", rank=12)
    for dtype, apart in (("float32", False), ("bfloat16", True)):
        log.unlink(missing_ok=True)
        model = spec(tiny_model_dir, dtype)
        base = load_chat_model(model)
        plain = HuggingFaceGenerator(base, 4).generate(prompts, Decoding(8))
        tuned = HuggingFaceGenerator(load_adapter(base, adapter), 4)
        with generator(model, python, room, adapter) as vllm:
            answers = vllm.generate(prompts, Decoding(8))
            pid = vllm.pid
            assert pid is not None
            (merged,) = room.iterdir()
            assert (merged / "model").exists() is not apart
        assert answers != plain
        wanted = tuned.generate(prompts, Decoding(8))
        same = sum(one == other for one, other in zip(answers, wanted, strict=True))
        assert same >= (len(prompts) if dtype == "float32" else len(prompts) // 2)
        loaded = lines(log)[0]
        assert loaded.get("max_lora_rank") == (16 if apart else None)
        assert list(room.iterdir()) == []
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.slow
def test_killed_it_says_so_and_the_next_question_starts_another(
    python: str, tiny_model_dir: Path, tmp_path: Path
) -> None:
    with generator(spec(tiny_model_dir), python, tmp_path) as vllm:
        first = vllm.generate([(5, 6)], Decoding(3))
        assert vllm.pid is not None
        os.kill(vllm.pid, signal.SIGKILL)
        with pytest.raises(EvaluationError, match=r"signal 9 \(out of memory\?\)"):
            vllm.generate([(5, 6)], Decoding(3))
        assert vllm.generate([(5, 6)], Decoding(3)) == first


@pytest.mark.slow
def test_it_does_not_outlive_its_owner(python: str, tiny_model_dir: Path, tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from tests.models.test_vllm import generator, spec
from harness.records import Decoding
vllm = generator(spec(Path({str(tiny_model_dir)!r})), {python!r}, Path({str(tmp_path)!r}))
vllm.generate([(5, 6)], Decoding(3))
print(vllm.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    worker = Path(f"/proc/{int(done.stdout)}")
    deadline = time.monotonic() + 20
    while worker.exists() and "Z" not in (worker / "stat").read_text().split()[2]:
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_a_trial_answered_by_vllm_has_the_scores_of_one_answered_here(
    python: str, tiny_model_dir: Path, tmp_path: Path, log: Path
) -> None:
    usual = write_project(tmp_path, tiny_model_dir)
    settings = {"engine": "vllm", "vllm": {"python": python}}
    config = usual.replace(eval=usual.eval.replace(**settings))
    found = run_trial(config, home=tmp_path / "home")
    asked = len(lines(log))
    assert asked > 1
    again = run_trial(config, home=tmp_path / "home")
    assert len(lines(log)) == asked
    here = run_trial(usual, home=tmp_path / "home")
    assert {name: one.value for name, one in found.scores.items()} == {
        name: one.value for name, one in here.scores.items()
    }
    assert again.scores == found.scores
    assert found.stages["adapter"] == here.stages["adapter"]
    assert {name: key != here.stages[name] for name, key in found.stages.items()
            if name.startswith("predictions/")} == dict.fromkeys(
        (name for name in found.stages if name.startswith("predictions/")), True
    )  # fmt: skip
    assert list((tmp_path / "home" / "store" / "merged").iterdir()) == []
