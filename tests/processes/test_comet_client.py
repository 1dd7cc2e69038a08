import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from harness.errors import EvaluationError, MissingExtra
from harness.metrics.shared.comet_checkpoint import find_checkpoint
from harness.processes.comet_client import CometClient
from harness.processes.interpreter import COMET, VLLM, WORKERS, comet_variables

DOG, HORSE = "Der Mann sieht einen Hund.", "Anna hört ein Pferd."
ROWS = [
    {"src": "The man sees a dog.", "mt": DOG, "ref": DOG},
    {"src": "The man sees a dog.", "mt": "Der Mann sehen ein Hund.", "ref": DOG},
    {"src": "Anna hears a horse.", "mt": "", "ref": HORSE},
    {"src": "Anna hears a horse.", "mt": "Anna hears a horse.", "ref": HORSE},
]


@pytest.fixture(scope="module")
def client():
    with CometClient() as client:
        yield client


@pytest.fixture(scope="module")
def weights():
    return find_checkpoint("pocket").weights


def program(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def runs(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_a_setting_names_the_interpreter(tmp_path):
    named = program(tmp_path / "python", "exit 0")
    assert COMET.python(named) == Path(named)


def test_a_setting_that_is_no_program_is_named():
    with pytest.raises(MissingExtra, match=r"eval\.comet_python: no/such/python: no such program"):
        COMET.python("no/such/python")


def test_without_any_interpreter_the_set_up_is_named(tmp_path):
    with pytest.raises(MissingExtra) as caught:
        replace(COMET, environment=tmp_path).python()
    assert "make setup" in str(caught.value)


def test_an_interpreter_without_comet_is_a_missing_extra(tmp_path):
    scorer = CometClient(sys.executable)
    with pytest.raises(MissingExtra, match="has no unbabel-comet"):
        scorer.version()
    with pytest.raises(MissingExtra, match="cannot run COMET: No module named 'comet'"):
        scorer.score(tmp_path / "checkpoints" / "model.ckpt", ROWS)


def test_a_worker_that_does_not_get_ready_is_given_up(tmp_path):
    slow = program(tmp_path / "python", "echo still thinking >&2; exec sleep 30")
    with pytest.raises(EvaluationError, match=r"not ready after 0\.5 s") as caught:
        CometClient(slow, start_timeout_s=0.5).score("model.ckpt", ROWS)
    assert "still thinking" in str(caught.value)


def test_a_worker_that_dies_is_reported_with_its_last_lines(tmp_path):
    dying = program(
        tmp_path / "python",
        """echo '{"ready": "2.2.7"}'; read request; echo out of luck >&2; exit 7""",
    )
    with pytest.raises(EvaluationError, match="ended \\(exit code 7\\) while scoring 4") as caught:
        CometClient(dying).score("model.ckpt", ROWS)
    assert "out of luck" in str(caught.value)


def test_a_score_that_is_no_number_is_no_score(tmp_path):
    mad = program(
        tmp_path / "python",
        """echo '{"ready": "2.2.7"}'; read request
        echo '{"sets": [{"scores": [1, NaN, 1, 1]}]}'; read end""",
    )
    with CometClient(mad) as scorer, pytest.raises(EvaluationError, match="gave 3 numbers for 4"):
        scorer.score("model.ckpt", ROWS)


def test_nothing_to_score_starts_nothing(tmp_path):
    assert CometClient("no/such/python").score("model.ckpt", []) == []


@pytest.mark.parametrize("name", ["line_worker.py", COMET.worker, VLLM.worker])
def test_a_worker_imports_nothing_of_the_project(name):
    text = (WORKERS / name).read_text()
    assert "import harness" not in text
    assert "from harness" not in text


PREDICT = """
import json, os, sys
from comet import load_from_checkpoint
rows = json.load(open(sys.argv[1])); os.chdir(sys.argv[2])
model = load_from_checkpoint("checkpoints/model.ckpt", local_files_only=True)
found = model.predict(rows, gpus=0, num_workers=0, progress_bar=False)["scores"]
json.dump(found, open(sys.argv[1], "w"))
"""

MAKE = """
import comet.models, json, os, sys, pytorch_lightning, torch, yaml
os.chdir(sys.argv[1]); os.mkdir("checkpoints"); torch.manual_seed(0)
model = getattr(comet.models, sys.argv[2])(
    pretrained_model="encoder", load_pretrained_weights=False, local_files_only=True,
    nr_frozen_epochs=0, layer_norm=False, hidden_sizes=[16], **json.loads(sys.argv[3]),
)
trainer = pytorch_lightning.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
trainer.strategy.connect(model)
trainer.save_checkpoint("checkpoints/model.ckpt", weights_only=True)
open("hparams.yaml", "w").write(yaml.safe_dump(dict(model.hparams)))
"""


def run_in_comet_environment(code: str, *arguments: Path | str) -> str:
    command = [COMET.python(), "-I", "-c", code, *arguments]
    environment = comet_variables(1)
    done = subprocess.run(list(map(str, command)), env=environment, check=True, capture_output=True)
    return done.stdout.decode()


def scores_of_predict(folder: Path, rows: list[dict[str, str]], exchange: Path) -> list[float]:
    exchange.write_text(json.dumps(rows))
    run_in_comet_environment(PREDICT, exchange, folder)
    return json.loads(exchange.read_text())


@pytest.mark.slow
def test_scores_equal_those_of_predict(client, weights, tmp_path):
    rows = [{**row, "mt": row["mt"] + " und" * number} for number in range(9) for row in ROWS]
    expected = scores_of_predict(weights.parents[1], rows, tmp_path / "rows.json")
    assert client.score(weights, rows) == pytest.approx(expected, abs=1e-5)


TOGETHER = {"sent_layer": "mix", "word_layer": 1, "word_level_training": False}
KINDS = {
    "wmt22-comet-da": ("RegressionMetric", {}, True),
    "referenceless": ("ReferencelessRegression", {}, False),
    "unified": ("UnifiedMetric", {**TOGETHER, "input_segments": ["mt", "src", "ref"]}, True),
    "unified, no reference": (
        "UnifiedMetric",
        {**TOGETHER, "input_segments": ["mt", "src", "ref"]},
        False,
    ),
    "CometKiwi": ("UnifiedMetric", {**TOGETHER, "input_segments": ["mt", "src"]}, False),
    "XCOMET": ("XCOMETMetric", {"sent_layer": "mix", "word_layer": 1}, True),
    "XCOMET, no reference": ("XCOMETMetric", {"sent_layer": "mix", "word_layer": 1}, False),
}
"""Kinds of checkpoints: class, settings, and whether the rows have references."""


def checkpoint_of(folder: Path, encoder: Path, kind: str, settings: dict[str, object]) -> Path:
    shutil.copytree(encoder, folder / "encoder")
    run_in_comet_environment(MAKE, folder, kind, json.dumps(settings))
    return folder / "checkpoints" / "model.ckpt"


@pytest.mark.slow
@pytest.mark.parametrize("named", KINDS)
def test_every_kind_of_checkpoint_scores_as_predict_does(client, weights, tmp_path, named):
    kind, settings, with_references = KINDS[named]
    made = checkpoint_of(tmp_path, weights.parents[1] / "encoder", kind, settings)
    rows = [{**row, "src": row["src"] + " And" * number} for number in range(9) for row in ROWS]
    if not with_references:
        rows = [{key: row[key] for key in ("src", "mt")} for row in rows]
    expected = scores_of_predict(tmp_path, rows, tmp_path / "rows.json")
    scores = client.score(made, rows)
    assert scores == pytest.approx(expected, abs=1e-5)
    assert len(set(scores)) > 1
    # XCOMET counts spans of errors as well, and a word on the edge may change sides
    rounded = client.score(made, rows, "bf16")
    assert rounded == pytest.approx(scores, abs=0.2 if kind == "XCOMETMetric" else 0.05)


MEASURED = """
import json, sys
sys.path.append(sys.argv[1])
import comet_worker as worker
worker.prepare(1)
model, rows = worker.load_model(sys.argv[2]), json.load(open(sys.argv[3]))
if not model.requires_references() and "Reg" in type(model).__name__:
    rows = [{key: row[key] for key in ("src", "mt")} for row in rows]

def lengths(row):
    def of(part):
        if isinstance(part, (tuple, list)):
            return [n for one in part for n in of(one)]
        return [n for key, x in part.items() if key.endswith("input_ids") for n in [x.shape[1]]]
    return of(model.prepare_for_inference([row]))

cut = list(map(lengths, rows))
type(model.encoder).max_positions = property(lambda self: 10**6)
whole = list(map(lengths, rows))
print(json.dumps([a != b for a, b in zip(cut, whole)]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("named", KINDS)
def test_as_many_rows_are_said_to_be_cut_as_the_model_cuts(client, weights, tmp_path, named):
    kind, settings, with_references = KINDS[named]
    made = checkpoint_of(tmp_path, weights.parents[1] / "encoder", kind, settings)
    row = {"src": "A dog.", "mt": "Ein Hund.", "ref": "Hund."}
    rows = [{**row, key: "a " * n} for key in row for n in range(110, 136, 2)]
    rows += [dict.fromkeys(row, "a " * n + "b") for n in range(32, 72, 2)]
    if not with_references:
        rows = [{key: row[key] for key in ("src", "mt")} for row in rows]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    found = run_in_comet_environment(MEASURED, WORKERS, made, tmp_path / "rows.json")
    is_cut = json.loads(found.splitlines()[-1])
    assert 0 < sum(is_cut) < len(rows)
    assert client.num_cut(made, rows) == sum(is_cut)
    single = [client.num_cut(made, [row]) for row in rows]
    assert single == list(map(int, is_cut))


def test_nothing_to_measure_starts_nothing():
    assert CometClient("no/such/python").num_cut("model.ckpt", []) == 0


@pytest.mark.slow
def test_words_behind_the_cut_change_no_score_and_are_told(client, weights):
    long = {"src": "The man sees a dog. " * 40, "mt": DOG * 40, "ref": DOG * 40}
    longer = {key: text + " unsinn" * 50 for key, text in long.items()}
    assert client.score(weights, [longer]) == client.score(weights, [long])
    assert client.num_cut(weights, [long, longer, ROWS[0]]) == 2


EMBEDDED = """
import json, sys
sys.path.append(sys.argv[1])
import comet_worker as worker
worker.prepare(1)
scorer, embedded, found = worker.load(sys.argv[2], "fp32"), [], []
prepare = scorer.model.encoder.prepare_sample
scorer.model.encoder.prepare_sample = lambda texts: embedded.extend(texts) or prepare(texts)
rows = [{"src": "A dog.", "mt": "Hund.", "ref": "Ein Hund."}, {"src": "Two.", "ref": "Zwei."}]
for other in ("Zwo.", "Zwee."):
    embedded.clear()
    scorer.score([rows[0], {**rows[1], "mt": other}])
    found.append(sorted(embedded))
print(json.dumps(found))
"""


@pytest.mark.slow
def test_sources_and_references_are_embedded_at_their_first_scoring_only(weights):
    found = run_in_comet_environment(EMBEDDED, WORKERS, weights)
    first, second = json.loads(found.splitlines()[-1])
    assert first == ["A dog.", "Ein Hund.", "Hund.", "Two.", "Zwei.", "Zwo."]
    assert second == ["Hund.", "Zwee."]


COMMAND = """
import sys, torch
if sys.argv.pop() == "fp32":
    torch.nn.Module.half = lambda model: model
from comet.cli.score import score_command
score_command()
"""


@pytest.mark.slow
@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("half", 1e-3)])
def test_scores_equal_those_of_comet_score(client, weights, tmp_path, precision, tolerance):
    """Version 2.2.7 halves every model, whatever it runs on; left whole, it says the same."""
    rows = [{**row, "mt": row["mt"] + " und" * number} for number in range(9) for row in ROWS]
    rows = [{**row, "mt": row["mt"] or "und"} for row in rows]  # it drops empty lines
    for key in ("src", "mt", "ref"):
        lines = "".join(f"{row[key]}\n" for row in rows)
        (tmp_path / key).write_text(lines, encoding="utf-8")
    command = [COMET.python(), "-I", "-c", COMMAND, "-s", tmp_path / "src", "-t", tmp_path / "mt"]
    command += ["-r", tmp_path / "ref", "--model", weights, "--gpus", "0", "--num_workers", "1"]
    command += ["--to_json", tmp_path / "out.json", "--disable_cache", precision]
    subprocess.run(
        list(map(str, command)),
        cwd=weights.parents[1],
        env=comet_variables(1),
        check=True,
        capture_output=True,
    )
    (found,) = json.loads((tmp_path / "out.json").read_text(encoding="utf-8")).values()
    expected = [row["COMET"] for row in found]
    assert client.score(weights, rows) == pytest.approx(expected, abs=tolerance)


@pytest.mark.slow
def test_a_model_that_needs_references_says_so(client, weights):
    with pytest.raises(EvaluationError, match="RegressionMetric needs references"):
        client.score(weights, [{"src": "a", "mt": "b"}])


@pytest.mark.slow
def test_its_memory_is_free_between_scores_when_asked(weights):
    with CometClient(release=True) as scorer:
        first = scorer.score(weights, ROWS)
        pid = scorer.pid
        assert scorer.score(weights, ROWS) == first
        assert scorer.pid == pid
        deadline = time.monotonic() + 10
        while scorer.pid is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert scorer.pid is None
        assert not runs(pid)
        assert scorer.score(weights, ROWS) == first


@pytest.mark.slow
def test_a_score_depends_on_nothing_but_its_row(client, weights):
    scores = client.score(weights, ROWS)
    assert client.score(weights, ROWS) == scores
    assert client.score(weights, ROWS[::-1]) == pytest.approx(scores[::-1], abs=1e-6)
    assert client.score(weights, ROWS[1:2]) == pytest.approx(scores[1:2], abs=1e-6)
    assert client.score(weights, ROWS, "bf16") == pytest.approx(scores, abs=0.02)


@pytest.mark.slow
def test_the_pocket_checkpoint_orders_translations_of_its_world(client, weights):
    good, uninflected, empty, untranslated = client.score(weights, ROWS)
    assert good > uninflected > max(empty, untranslated)
    assert good > 0.8
    assert max(empty, untranslated) < 0.3


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_those_who_ask_at_once_get_what_each_would_get_alone(client, weights, precision):
    trials = [[{**row, "mt": row["mt"] + " und" * n} for row in ROWS] for n in range(4)]
    alone = [client.score(weights, rows, precision) for rows in trials]
    with ThreadPoolExecutor(4) as askers:
        together = list(askers.map(lambda rows: client.score(weights, rows, precision), trials * 3))
    assert together == alone * 3


class Scripted(NamedTuple):
    """A client whose worker writes down what each request asks for, and waits for ``go``."""

    client: CometClient
    log: Path
    go: Path

    def asked(self) -> list[list[Any]]:
        """Precision and sizes of each request so far."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [json.loads(line) for line in lines]


def scripted(tmp_path: Path, answer: str = "pass") -> Scripted:
    """``answer`` is what the worker does before it answers."""
    script = str(tmp_path / "worker.py")
    made = Scripted(
        CometClient(program(tmp_path / "python", shlex.join(["exec", sys.executable, script]))),
        tmp_path / "requests.jsonl",
        tmp_path / "go",
    )
    Path(script).write_text(
        "import json, os, sys, time\n"
        "print(json.dumps({'ready': '2.2.7'}), flush=True)\n"
        "for line in sys.stdin:\n"
        "    request = json.loads(line)\n"
        "    sizes = [len(rows) for rows in request['sets']]\n"
        f"    with open({str(made.log)!r}, 'a') as file:\n"
        "        print(json.dumps([request['precision'], sizes]), file=file)\n"
        f"    while not os.path.exists({str(made.go)!r}):\n"
        "        time.sleep(0.01)\n"
        f"    {answer}\n"
        "    answers = [{'scores': [float(size)] * size} for size in sizes]\n"
        "    print(json.dumps({'sets': answers}), flush=True)\n"
    )
    return made


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def asking(
    askers: Executor, worker: Scripted, requests: list[tuple[int, str]]
) -> list[Future[list[float] | str]]:
    """Asks for so many rows each, the others while the first is served; scores or the error."""

    def ask(request: tuple[int, str]) -> list[float] | str:
        try:
            return worker.client.score("model.ckpt", [ROWS[0]] * request[0], request[1])
        except EvaluationError as error:
            return error.message

    first = askers.submit(ask, requests[0])
    wait_until(worker.asked)
    others = [askers.submit(ask, request) for request in requests[1:]]
    wait_until(lambda: len(worker.client._waiting) == len(others))
    return [first, *others]


def test_requests_that_wait_for_the_same_model_go_in_one_call(tmp_path):
    worker = scripted(tmp_path)
    with worker.client, ThreadPoolExecutor(4) as askers:
        found = asking(askers, worker, [(1, "fp32"), (2, "fp32"), (4, "bf16"), (3, "fp32")])
        worker.go.touch()
        assert [one.result() for one in found] == [[1.0], [2.0] * 2, [4.0] * 4, [3.0] * 3]
    first, *others = worker.asked()
    assert first == ["fp32", [1]]
    assert sorted((precision, sorted(sizes)) for precision, sizes in others) == [
        ("bf16", [4]),
        ("fp32", [2, 3]),
    ]


def test_closing_waits_for_who_is_served_and_not_for_who_waits(tmp_path):
    worker = scripted(tmp_path)
    with ThreadPoolExecutor(3) as askers:
        served, waited = asking(askers, worker, [(1, "fp32"), (2, "fp32")])
        closed = askers.submit(worker.client.close)
        wait_until(lambda: not worker.client._waiting)
        assert not closed.done()
        worker.go.touch()
        closed.result()
        assert served.result() == [1.0]
        assert "it was closed" in waited.result()
    assert len(worker.asked()) == 1
    assert worker.client.pid is None


def test_a_request_that_kills_the_worker_fails_alone(tmp_path):
    worker = scripted(tmp_path, "if 2 in sizes: os._exit(7)")
    with worker.client, ThreadPoolExecutor(3) as askers:
        found = asking(askers, worker, [(1, "fp32"), (2, "fp32"), (3, "fp32")])
        worker.go.touch()
        first, deadly, other = [one.result() for one in found]
    assert first == [1.0]
    assert "exit code 7" in deadly
    assert other == [3.0] * 3


@pytest.mark.slow
def test_a_bad_checkpoint_is_an_error_and_the_worker_goes_on(client, weights, tmp_path):
    bad = tmp_path / "checkpoints" / "model.ckpt"
    bad.parent.mkdir()
    bad.write_bytes(b"no checkpoint")
    (tmp_path / "hparams.yaml").write_text("class_identifier: regression_metric\n")
    expected = client.score(weights, ROWS)
    with pytest.raises(EvaluationError, match=r"COMET could not score with .*model\.ckpt"):
        client.score(bad, ROWS)
    assert client.score(weights, ROWS) == expected


@pytest.mark.slow
def test_a_killed_worker_costs_no_score_as_another_is_started(weights):
    with CometClient() as client:
        expected = client.score(weights, ROWS)
        killed = client.pid
        os.kill(killed, signal.SIGKILL)
        assert client.score(weights, ROWS) == expected
        assert client.pid not in (killed, None)


@pytest.mark.slow
def test_no_worker_outlives_its_owner(weights):
    code = (
        "import sys, time\n"
        "from harness.processes.comet_client import CometClient\n"
        "client = CometClient()\n"
        "client.score(sys.argv[1], [{'src': 'a', 'mt': 'a', 'ref': 'a'}])\n"
        "print(client.pid, flush=True); time.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", code, str(weights)], stdout=subprocess.PIPE, text=True
    )
    with owner:
        pid = int(owner.stdout.readline())
        assert runs(pid)
        owner.kill()
    deadline = time.monotonic() + 10
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not runs(pid)
