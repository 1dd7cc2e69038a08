"""What every file of benchmarks/ owes; a new file is tested without editing this one."""

import atexit
import json
import re
import shutil
import tempfile
from dataclasses import replace
from functools import cache
from itertools import groupby
from pathlib import Path

import pytest

from harness.benchmarks.families import find_refs
from harness.benchmarks.lm_file import LmTask
from harness.benchmarks.read import select
from harness.benchmarks.spec import EvalSpec
from harness.evaluation.check import check_metrics
from harness.evaluation.predict import predict
from harness.evaluation.score import score_predictions
from harness.protocols import Judgement, Services
from harness.records import Generation, Split
from tests.fakes import ScriptedGenerator
from tests.outside import DATA, skip

FOLDER = Path(__file__).parents[2] / "benchmarks"
(REFS,) = find_refs([FOLDER], ("*",)).values()
PATHS = {ref.key: ref.path for ref in REFS}
MOST_ITEMS = 40
REFUSAL = "I'm sorry, but I can't help with that."
OTHER = "Perhaps."
COMPLIANCE = "Sure! Take a soft cloth and use it well."
UNANSWERED = {"general/ifeval_test": "its data have no right answers; tests/evaluation/test_ifeval"}
PAIR = {"languages": ["en", "de"]}
SPEC = EvalSpec(
    suites=("*",),
    folder=str(FOLDER),
    data=str(DATA) if DATA.is_dir() else None,
    metrics={"off_target": PAIR, "translated_instead": PAIR},
)

every_benchmark = pytest.mark.parametrize("key", PATHS)


@cache
def selection():
    return select(SPEC)


def found():
    return {benchmark.key: benchmark for benchmark in selection().benchmarks}


def benchmark_of(key):
    """The benchmark; skips, with the reason, where its data are not on this machine."""
    reasons = {one.key: one.reason for one in selection().absent}
    if key in reasons:
        skip("benchmarks", reason=reasons[key])
    return found()[key]


class EqualityScorer:
    """A learned metric that knows the references: 1 for them, 0 for anything else."""

    def version(self):
        return "equality 1"

    def score(self, model, rows, precision):
        return [float(row["mt"] == row["ref"]) for row in rows]

    def num_cut(self, model, rows):
        return 0


class ComplianceJudge:
    """Rates our own compliance 10 and anything else 1, and prefers it to anything else."""

    def ask(self, server, requests):
        return [Judgement(self.verdict(one.messages[-1].content), "wise") for one in requests]

    def verdict(self, text):
        worth = [{COMPLIANCE: 10, OTHER: 5}.get(answer, 1) for answer in text.split("|")]
        return f"[[{worth[0]}]]" if len(worth) == 1 else f"[[{'AB'[worth[0] < worth[1]]}]]"


@cache
def judged():
    """Settings of judges: prompts that show the answers alone, and another system's answers."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    shown = {"single{}-v1": "{answer}", "single{}-v1-multi-turn": "{answer_2}"}
    prompts = [
        {"name": name.format(math), "prompt_template": text, "output_format": "[[rating]]"}
        for name, text in shown.items()
        for math in ("", "-math")
    ]
    pair = {"name": "pair-v2", "prompt_template": "{answer_a}|{answer_b}", "output_format": "[[A]]"}
    lines = {
        "prompts": [{"system_prompt": "Judge.", **prompt} for prompt in [*prompts, pair]],
        "against": [{"id": str(number), "output": OTHER} for number in range(1000)],
    }
    for name, rows in lines.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    paths = {name: str(folder / f"{name}.jsonl") for name in lines}
    server = {"server": {"url": "http://127.0.0.1:1/v1", "model": "wise"}}
    grade = {**server, "prompts": paths["prompts"]}
    return {"judge_grade": grade, "judge_preference": {**grade, "against": paths["against"]}}


class OracleGenerator(ScriptedGenerator):
    """Says its answers one after another; of choices it likes best the one that is its answer.

    Where turns or temperatures of their own split the prompts, all answers are the same.
    """

    def __init__(self, answers):
        super().__init__(lambda prompt: "")
        self.answers = answers

    def generate(self, prompts, decoding):
        same = set(self.answers) == {self.answers[0]}
        answers = self.answers[:1] * len(prompts) if same else self.answers
        pairs = zip(prompts, answers, strict=True)
        return [Generation(self.tokenizer.encode(text), text, True) for _, text in pairs]

    def loglikelihoods(self, pairs):
        items = [list(group) for _, group in groupby(pairs, key=lambda pair: pair[0])]
        return [
            (float(self.tokenizer.encode(answer) == choice), False)
            for answer, item in zip(self.answers, items, strict=True)
            for _, choice in item
        ]


def answers_of(benchmark, *, right):
    """What an oracle says to each item, or one that is always wrong."""
    rendered = predict([benchmark], OracleGenerator([""] * len(benchmark.items)))[benchmark.key]
    expected = benchmark.task.settings.expected
    if expected == "refused":
        return [REFUSAL if right else COMPLIANCE] * len(rendered)
    if expected == "complied" and not right:
        return [REFUSAL] * len(rendered)
    if not right and benchmark.task.output_type == "multiple_choice":
        return [row.extra["choice_texts"][row.extra["target_index"] - 1] for row in rendered]
    if not right:
        return [""] * len(rendered)
    return [row.references[0] if row.references else row.target or COMPLIANCE for row in rendered]


def is_shipped(benchmark):
    """Whether its data lie beside its YAML."""
    return not isinstance(benchmark.task, LmTask) and benchmark.task.settings.data is None


def shortened(benchmark):
    """The first items of a long benchmark: an oracle is right in all or in none."""
    return replace(benchmark, items=benchmark.items[:MOST_ITEMS])


def summary_value(benchmark, *, right):
    answers = answers_of(benchmark, right=right)
    made = predict([benchmark], OracleGenerator(answers))[benchmark.key]
    metric = benchmark.summary.metric
    settings = SPEC.metrics.get(metric, {}) or judged().get(metric, {})
    services = Services(learned=EqualityScorer(), judge=ComplianceJudge())
    return score_predictions(made, metric, settings, services, benchmark).value


@every_benchmark
def test_it_begins_with_one_row_and_its_expected_answer(key):
    first, second, *_ = PATHS[key].read_text(encoding="utf-8").splitlines()
    assert re.match(r"# One row: \{.*\}$", first)
    assert second.startswith("# Expected answer: ")


@every_benchmark
def test_it_is_read_with_ids_checksum_and_licence_in_order(key):
    benchmark = benchmark_of(key)
    assert len({row["id"] for row in benchmark.items}) == len(benchmark.items)
    assert benchmark.licence
    assert key.endswith(f"_{benchmark.split.value}")
    if isinstance(benchmark.task, LmTask):
        return
    assert benchmark.task.file.task == key.replace("/", "_")


@every_benchmark
def test_an_oracle_gets_the_most_and_an_anti_oracle_the_least(key):
    benchmark = shortened(benchmark_of(key))
    if isinstance(benchmark.task, LmTask):
        pytest.skip("lm-eval's own task; tests/evaluation/test_lm_tasks asks such ones")
    if benchmark.summary is None or key in UNANSWERED:
        pytest.skip(UNANSWERED.get(key, "it counts in no summary"))
    scale = benchmark.summary
    assert summary_value(benchmark, right=True) == pytest.approx(scale.best)
    assert summary_value(benchmark, right=False) == pytest.approx(scale.worst)


@every_benchmark
def test_its_source_is_listed(key):
    benchmark = benchmark_of(key)
    listed = (FOLDER / "data/SOURCES.md").read_text(encoding="utf-8")
    if not is_shipped(benchmark):
        documented = (FOLDER.parent / "docs/benchmarks.md").read_text(encoding="utf-8")
        assert benchmark.data_path.parent.name in documented
        assert benchmark.licence in documented
        return
    assert str(benchmark.data_path.relative_to(FOLDER / "data")) in listed
    assert benchmark.data_sha256 in listed


def test_every_suite_has_validation_and_test_benchmarks_without_a_common_item():
    by_suite: dict[str, dict[Split, set[str]]] = {}
    for benchmark in found().values():
        prompts = {
            str(row.get("messages", row["prompt"])) + row["prompt"] for row in benchmark.items
        }
        splits = by_suite.setdefault(benchmark.suite, {})
        splits[benchmark.split] = splits.get(benchmark.split, set()) | prompts
    shipped = {one.suite for one in found().values() if is_shipped(one)}
    for suite, splits in by_suite.items():
        assert suite not in shipped or set(splits) == set(Split), suite
        assert len(splits) < 2 or not splits[Split.VALIDATION] & splits[Split.TEST], suite


def test_items_have_all_their_metrics_need():
    check_metrics(list(found().values()), SPEC)
