"""Generating killed in the middle: real processes, a real kill, the real store."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.benchmarks.read import Benchmark
from harness.evaluation.predict import FILE, predict_stored
from harness.models.generation.chunks import ChunkRule
from harness.models.generation.completions import StoredGenerator
from harness.models.generation.generate import HuggingFaceGenerator, generator_identity
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.spec import ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.records import Decoding, Event, StageEvent
from harness.storage.store import Store
from tests.models.generation.test_generate import some_prompts
from tests.small_benchmarks import Benchmarks

ROOT = Path(__file__).parents[2]
RULE = ChunkRule(tokens=1, batches=4)
"""Sixteen rows a chunk."""
PROMPTS = some_prompts(75)
DECODING = Decoding(12, 0.9, 3)
CHILD = """
import os, signal, sys, time
from pathlib import Path
from tests.trial.test_generations_killed import complete, predictions

job, home, model, lists, renames = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), *sys.argv[4:]

def end():
    while not (home / "go").exists():
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)

def rename(*paths, count=[0], really=os.rename):
    count[0] += 1
    if count[0] > int(renames):
        end()
    really(*paths)

os.rename = rename
print("begins", flush=True)
{"completions": complete, "predictions": predictions}[job](home, model, end, int(lists))
"""


class Counting(HuggingFaceGenerator):
    """Counts what it is asked, and calls for the end before it answers one list too many."""

    def __init__(self, model: Path, end, lists: int) -> None:
        super().__init__(load_chat_model(ModelSpec(path=str(model), device="cpu")), 4)
        self.end, self.lists, self.asked = end, lists, 0

    def generate(self, prompts, decoding):
        self._count(len(prompts))
        return super().generate(prompts, decoding)

    def loglikelihoods(self, rows):
        self._count(len(rows))
        return super().loglikelihoods(rows)

    def _count(self, number: int) -> None:
        if self.lists == 0:
            self.end()
        self.lists -= 1
        self.asked += number
        print(f"asked {number}", flush=True)


def complete(home: Path, model: Path, end=lambda: None, lists: int = -1, on_event=None):
    spec = ModelSpec(path=str(model), device="cpu")
    inner = []

    def load():
        inner.append(Counting(model, end, lists))
        return inner[0]

    generator = StoredGenerator(
        generator_identity(model_identity(spec), 4),
        lambda: load_tokenizer(spec),
        load,
        Store(home),
        on_event,
        RULE,
    )
    answers = generator.generate(PROMPTS, DECODING)
    return answers, generator.built[0], inner[0].asked if inner else 0


def suite(folder: Path) -> tuple[Benchmark, ...]:
    """Two lists of answers, one of two turns, and one of choices."""
    made = Benchmarks(folder)
    rows = [{"id": str(n), "prompt": f"{n} " * (1 + n % 9), "target": "x"} for n in range(40)]
    made.write("a/short_test", rows[:30])
    made.write("a/turns_test", [{**row, "turns": ["one", row["prompt"]]} for row in rows[:20]])
    long = {"until": [], "max_gen_toks": 16, "do_sample": False}
    made.write("b/long_test", rows, generation_kwargs=long)
    choices = [{**row, "choices": ["yes", "no"], "right": 0} for row in rows]
    made.write(
        "b/choices_test",
        choices,
        output_type="multiple_choice",
        doc_to_choice="choices",
        doc_to_target="right",
        drop=("generation_kwargs",),
        block={"metrics": ["choice_accuracy"], "summary": None},
    )
    return made.find()


def predictions(home: Path, model: Path, end=lambda: None, lists: int = -1, on_event=None):
    inner = Counting(model, end, lists)
    built = predict_stored(
        suite(home / "benchmarks"),
        {"model": "tiny"},
        Store(home),
        lambda: inner,
        on_event,
        rule=RULE,
    )
    return {name: (one.path / FILE).read_bytes() for name, one in built.items()}, built, inner.asked


def start(
    job: str, home: Path, model: Path, lists: int, renames: int = 99
) -> "subprocess.Popen[str]":
    command = [sys.executable, "-W", "ignore", "-c", CHILD, job, home, model]
    return subprocess.Popen(
        [*map(str, command), str(lists), str(renames)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def asked(process: "subprocess.Popen[str]") -> int:
    """What a process asked the model for, once it has ended."""
    out, _ = process.communicate(timeout=120)
    return sum(int(line.split()[1]) for line in out.splitlines() if line.startswith("asked"))


def killed(job: str, home: Path, model: Path, lists: int, renames: int = 99) -> int:
    """Kills a process before it answers one list too many; what it had asked for."""
    home.mkdir(exist_ok=True)
    (home / "go").touch()
    process = start(job, home, model, lists, renames)
    found = asked(process)
    assert process.returncode == -signal.SIGKILL
    return found


def notes(events: list[Event]) -> list[str]:
    return [event.note for event in events if isinstance(event, StageEvent) and event.note]


@pytest.mark.slow
def test_a_list_killed_twice_ends_with_the_answers_of_one_undisturbed(tmp_path, tiny_model_dir):
    answers, built, number = complete(tmp_path / "whole", tiny_model_dir)
    assert number == 75
    assert len({len(answer.token_ids) for answer in answers}) > 1

    home = tmp_path / "home"
    assert killed("completions", home, tiny_model_dir, 2) == 30
    (kept,) = (home / "completions").glob(".*.checkpoint")
    assert kept in Store(home).drafts()
    assert killed("completions", home, tiny_model_dir, 1) == 15
    events: list[Event] = []
    again = complete(home, tiny_model_dir, on_event=events.append)
    assert (again[0], again[1].key, again[2]) == (answers, built.key, 30)
    assert notes(events) == ["going on: 45 of 75 answers were there"]
    assert not kept.exists()
    assert Store(home).drafts() == []


@pytest.mark.slow
def test_who_waits_for_a_list_goes_on_with_it_when_the_other_is_killed(tmp_path, tiny_model_dir):
    home = tmp_path / "home"
    first = start("completions", home, tiny_model_dir, 3)
    assert first.stdout is not None
    assert [first.stdout.readline() for _ in range(4)][1:] == ["asked 15\n"] * 3
    second = start("completions", home, tiny_model_dir, -1)
    assert second.stdout is not None
    assert second.stdout.readline() == "begins\n"
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(timeout=1)
    (home / "go").touch()
    assert first.wait(timeout=60) == -signal.SIGKILL
    assert asked(second) == 30
    assert second.returncode == 0
    assert complete(home, tiny_model_dir)[0] == complete(tmp_path / "whole", tiny_model_dir)[0]
    first.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize(("lists", "renames"), [(2, 99), (7, 99), (-1, 2)])
def test_predictions_killed_midway_end_as_those_of_a_run_undisturbed(
    tmp_path, tiny_model_dir, lists, renames
):
    whole, built, number = predictions(tmp_path / "whole", tiny_model_dir)
    assert number == 50 + 20 + 40 + 80

    home = tmp_path / "home"
    before = killed("predictions", home, tiny_model_dir, lists, renames)
    assert before == (number if lists == -1 else before) > 0
    events: list[Event] = []
    again, rebuilt, rest = predictions(home, tiny_model_dir, on_event=events.append)
    assert again == whole
    assert {name: one.key for name, one in rebuilt.items()} == {
        name: one.key for name, one in built.items()
    }
    assert rest == number - before
    assert notes(events)
    assert Store(home).drafts() == []
