"""What vLLM's worker answers: a real process with a stand-in for vllm (tests/standins)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from harness.benchmarks.spec import EvalSpec
from harness.errors import EvaluationError
from harness.models.chat_model import ChatModel
from harness.models.generation.chunks import ChunkRule
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.generation.journaled import JournaledGenerator
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.lora import load_adapter
from harness.protocols import Generator
from harness.records import Decoding, Message
from harness.storage.clean import removable, remove
from harness.storage.store import Store
from harness.trial.engine import Engine
from harness.trial.run import run_trial
from tests.models.generation.test_generate import some_prompts
from tests.models.generation.test_vllm import generator, saved, spec
from tests.projects import write_project


@pytest.fixture
def python(python_with_vllm: str) -> str:
    return python_with_vllm


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the stand-in was asked."""
    monkeypatch.setenv("STANDIN_LOG", str(tmp_path / "log"))
    return tmp_path / "log"


def running(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def lines(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@pytest.mark.slow
def test_it_answers_as_hugging_face_does(
    python: str, tiny_chat_model: ChatModel, tiny_model_dir: Path, tmp_path: Path, log: Path
) -> None:
    usual, prompts = HuggingFaceGenerator(tiny_chat_model, 4), some_prompts(9)
    model = spec(tiny_model_dir)
    with contextlib.closing(
        generator(model, python, tmp_path / "room", rows=8, max_length=200)
    ) as vllm:
        assert isinstance(vllm, Generator)
        assert vllm.pid is None
        chat = vllm.tokenizer.encode_chat((Message("user", "Grüß Gott"),))
        assert chat == usual.tokenizer.encode_chat((Message("user", "Grüß Gott"),))
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
def test_it_tells_how_far_a_list_is_behind_each_chunk(
    python: str, tiny_model_dir: Path, tmp_path: Path
) -> None:
    model, seen = spec(tiny_model_dir), list[float]()
    settings = EvalSpec.model_validate(
        {"suites": ["a"], "engine": "vllm", "vllm": {"python": python, "rows": 4}}
    )
    engine = Engine(settings, tmp_path / "room")
    made = engine.generator(model, model_identity(model), never, on_progress=seen.append)
    rule = ChunkRule(tokens=1, batches=2)
    journaled = JournaledGenerator(made, tmp_path / "journal", {}, "completions", rule=rule)
    with engine.running():
        journaled.generate(some_prompts(24), Decoding(2))
        assert seen == pytest.approx([1 / 3, 2 / 3, 1])
        seen.clear()
        journaled.loglikelihoods([(prompt, (5,)) for prompt in some_prompts(24)])
        assert seen == [1.0]


def never() -> ChatModel:
    raise AssertionError("loaded in this process")


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
        with contextlib.closing(generator(model, python, room, adapter)) as vllm:
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
        assert not psutil.pid_exists(pid)


@pytest.mark.slow
def test_killed_it_says_so_and_the_next_question_starts_another(
    python: str, tiny_model_dir: Path, tmp_path: Path
) -> None:
    with contextlib.closing(generator(spec(tiny_model_dir), python, tmp_path)) as vllm:
        first = vllm.generate([(5, 6)], Decoding(3))
        assert vllm.pid is not None
        os.kill(vllm.pid, signal.SIGKILL)
        with pytest.raises(EvaluationError, match=r"signal 9 \(out of memory\?\)"):
            vllm.generate([(5, 6)], Decoding(3))
        assert vllm.generate([(5, 6)], Decoding(3)) == first


@pytest.mark.slow
def test_neither_it_nor_what_it_started_outlives_its_owner(
    python: str, tiny_model_dir: Path, tmp_path: Path, log: Path
) -> None:
    code = f"""
import os, signal
from pathlib import Path
from tests.models.generation.test_vllm import generator, spec
from harness.records import Decoding
vllm = generator(spec(Path({str(tiny_model_dir)!r})), {python!r}, Path({str(tmp_path)!r}, "merged"))
vllm.generate([(5, 6)], Decoding(3))
print(vllm.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root), "STANDIN_CHILD": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    (child,) = (one["child"] for one in lines(log) if "child" in one)
    deadline = time.monotonic() + 20
    for pid in (int(done.stdout), child):
        while running(pid):
            assert time.monotonic() < deadline, f"{pid} of worker {done.stdout} and child {child}"
            time.sleep(0.1)
    store = Store(tmp_path)
    (left,) = (tmp_path / "merged").iterdir()
    assert [one.path for one in removable(store)] == [left]
    assert remove(store, removable(store)).num_folders == 1
    assert not left.exists()


@pytest.mark.slow
def test_a_trial_answered_by_vllm_has_the_scores_of_one_answered_here(
    python: str, tiny_model_dir: Path, tmp_path: Path, log: Path
) -> None:
    usual = write_project(tmp_path, tiny_model_dir)
    settings = {"engine": "vllm", "vllm": {"python": python}}
    config = usual.replace(
        eval=usual.eval.replace(**settings), generation=usual.generation.replace(**settings)
    )
    found = run_trial(config, home=tmp_path / "home")
    asked = len(lines(log))
    loads = [place for place, one in enumerate(lines(log)) if "model" in one]
    assert len(loads) == 2, "once for the rationales, once, behind the training, for the benchmarks"
    again = run_trial(config, home=tmp_path / "home")
    assert len(lines(log)) == asked
    here = run_trial(usual, home=tmp_path / "home")
    assert {name: one.value for name, one in found.scores.items()} == {
        name: one.value for name, one in here.scores.items()
    }
    assert again.scores == found.scores
    # The rationales are vLLM's too; here they are the same words, so the training is the same.
    losses = {name for name in here.facts if name.startswith("train/final_loss")}
    assert losses
    assert {name: found.facts[name] for name in losses} == pytest.approx(
        {name: here.facts[name] for name in losses}
    )
    apart = {"examples", "adapter", *(n for n in found.stages if n.startswith("predictions/"))}
    assert {n for n, key in found.stages.items() if key != here.stages[n]} == apart
    assert list((tmp_path / "home" / "store" / "merged").iterdir()) == []
