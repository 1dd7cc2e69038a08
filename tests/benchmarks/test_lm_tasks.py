"""Tasks of lm-eval's by name, on copies of their data sets with a few rows of our own."""

import json
import random
import shutil
from functools import partial
from itertools import count

import pytest
from lm_eval.config.task import TaskConfig

from harness.benchmarks.lm_tasks import definition_of
from harness.benchmarks.read import select
from harness.benchmarks.spec import EvalSpec
from harness.errors import DataError, EvaluationError
from harness.evaluation.predict import predict, predict_stored, stage_of
from harness.evaluation.score import Unmeasured, score_predictions, score_stored
from harness.protocols import Services
from harness.records import Split
from harness.storage.store import Store
from tests.fakes import ScriptedGenerator

SUMS = [
    {"question": f"What is {n} + 1?", "answer": f"{n} + 1 is {n + 1}.\n#### {n + 1}"}
    for n in range(8)
]
CHOICES = [
    {
        "question": f"Which is {n}?",
        "choices": {"text": [str(n), "a horse", "none"], "label": ["A", "B", "C"]},
        "answerKey": "A",
    }
    for n in range(3)
]
CARD = """---
configs:
- config_name: {name}
  data_files:
{splits}---
"""


def copy(place, hub_id, name, **splits):
    folder = place / "data/hub" / hub_id
    folder.mkdir(parents=True)
    lines = ""
    for split, rows in splits.items():
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
        lines += f"  - split: {split}\n    path: {split}.jsonl\n"
    (folder / "README.md").write_text(CARD.format(name=name, splits=lines), encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lm_eval")
    copy(folder, "openai/gsm8k", "main", train=SUMS[3:], test=SUMS[:3])
    splits = dict.fromkeys(("train", "validation", "test"), CHOICES)
    copy(folder, "allenai/ai2_arc", "ARC-Easy", **splits)
    (folder / "benchmarks/mine").mkdir(parents=True)
    return folder


def found(place, *suites, **settings):
    folders = {"folder": str(place / "benchmarks"), "data": str(place / "data")}
    return select(EvalSpec(suites=suites, **folders, **settings))


def solution(prompt):
    asked = prompt.rpartition("What is ")[2].partition(" + ")[0]
    return f"{asked} + 1 is {int(asked) + 1}.\n#### {int(asked) + 1}\nQuestion: What is 9 + 9?"


def said(benchmark, script):
    return predict([benchmark], ScriptedGenerator(script))[benchmark.key]


def value(benchmark, rows, **settings):
    return score_predictions(rows, "lm_eval", settings, Services(), benchmark)


@pytest.mark.slow
def test_a_task_is_asked_in_its_own_words_and_scored_by_its_own_metric(place):
    (benchmark,) = found(place, "lm_eval:gsm8k").benchmarks
    assert benchmark.key == "lm_eval/gsm8k_test"
    assert benchmark.split is Split.TEST
    assert len(benchmark.items) == 3
    prompt = benchmark.items[0]["prompt"]
    assert prompt.count("Question: ") == 6  # five examples and the question
    assert prompt.endswith("Question: What is 0 + 1?\nAnswer:")
    rows = said(benchmark, solution)
    assert rows[0].output.endswith("#### 1\n")  # the task's own stop string
    best = value(benchmark, rows)
    assert best.value == 1.0
    assert "shots:5" in best.signature
    assert value(benchmark, rows, filter="flexible-extract").value == 1.0
    wrong = said(benchmark, lambda prompt: "The answer is 1.")
    assert value(benchmark, wrong).value == 0.0
    assert value(benchmark, wrong, filter="flexible-extract").value == pytest.approx(1 / 3)


def test_choices_are_compared_by_likelihood(place):
    (benchmark,) = found(place, "lm_eval:arc_easy").benchmarks

    class Likes(ScriptedGenerator):
        def loglikelihoods(self, pairs):
            texts = ["".join(map(chr, choice)) for _, choice in pairs]
            return [(float("horse" in text), False) for text in texts]

    rows = predict([benchmark], Likes(str))[benchmark.key]
    assert value(benchmark, rows).value == 0.0
    assert rows[0].output == "a horse"  # in a chat no delimiter stands before an answer
    assert rows[0].choices == (0.0, 1.0, 0.0)
    assert value(benchmark, rows, metric="acc_norm").value == 0.0
    assert isinstance(value(benchmark, rows, metric="bleu"), Unmeasured)


SHOWN = {"kind": "shown", "others": [["Translate: dog", "Hund"]]}


@pytest.mark.parametrize("prompts", ["translation", "all"])
def test_examples_are_shown_before_a_task_where_they_are_before_all_prompts(place, prompts):
    before = "<user>Translate: dog<assistant>Hund" if prompts == "all" else ""
    settings = {**SHOWN, "prompts": prompts}
    (sums,) = found(place, "lm_eval:gsm8k").benchmarks
    generator = ScriptedGenerator(solution)
    rows = predict([sums], generator, answering=settings)[sums.key]
    assert generator.calls[0][0][0] == f"{before}<user>{sums.items[0]['prompt']}<assistant>"
    assert [row.extra.get("shown_tokens", 0) for row in rows] == [len(before)] * 3
    (choices,) = found(place, "lm_eval:arc_easy").benchmarks
    contexts = []

    class Likes(ScriptedGenerator):
        def loglikelihoods(self, pairs):
            contexts.extend("".join(map(chr, context)) for context, _ in pairs)
            return [(0.0, False) for _ in pairs]

    rows = predict([choices], Likes(str), answering=settings)[choices.key]
    assert all(text.startswith(f"{before}<user>Question: ") for text in contexts)
    assert rows[0].extra.get("shown_tokens", 0) == 3 * len(before)


def test_two_lines_of_yaml_make_a_benchmark_and_more_say_more(place):
    folder = place / "benchmarks/mine"
    (folder / "sums_test.yaml").write_text("include: lm_eval\ntask: gsm8k\n", encoding="utf-8")
    text = (
        "include: lm_eval\ntask: gsm8k\nnum_fewshot: 0\nsplit: validation\n"
        "filter: flexible-extract\nneeds: [openai/gsm8k]\n"
    )
    (folder / "bare_validation.yaml").write_text(text, encoding="utf-8")
    bare, sums = found(place, "mine").benchmarks
    assert (bare.key, sums.key) == ("mine/bare_validation", "mine/sums_test")
    assert bare.items[0]["prompt"].count("Question: ") == 1
    assert bare.split is Split.VALIDATION
    assert stage_of(bare, {}).key != stage_of(sums, {}).key
    rows = said(bare, lambda prompt: "The answer is 1.")
    assert value(bare, rows).value == pytest.approx(1 / 3)


def test_a_limit_and_our_own_benchmarks_beside_it(place):
    (benchmark,) = found(place, "lm_eval:gsm8k", limit=2).benchmarks
    rows = said(benchmark, solution)
    assert [row.id for row in rows] == ["0", "1"]
    assert value(benchmark, rows).signature.endswith("|limit:2")


def test_an_unknown_task_and_absent_data_are_said(place, tmp_path):
    with pytest.raises(DataError, match=r"unknown task of lm-eval 'gsm9k'; did you mean 'gsm8k'"):
        found(place, "lm_eval:gsm9k")
    suite = tmp_path / "benchmarks/mine"
    suite.mkdir(parents=True)
    text = "include: lm_eval\ntask: boolq\nneeds: [aps/super_glue]\n"
    (suite / "boolq_test.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"hub/aps/super_glue is missing .*hf download"):
        select(EvalSpec(suites=("mine",), folder=str(tmp_path / "benchmarks")))
    (suite / "boolq_test.yaml").write_text(text + "filters: x\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"unknown option 'filters'; did you mean 'filter'"):
        select(EvalSpec(suites=("mine",), folder=str(tmp_path / "benchmarks")))


def test_the_same_task_can_be_asked_twice(place):
    (benchmark,) = found(place, "lm_eval:gsm8k").benchmarks
    assert value(benchmark, said(benchmark, solution)).value == 1.0
    assert value(benchmark, said(benchmark, lambda prompt: "")).value == 0.0


class Affirming(ScriptedGenerator):
    """Finds "yes" the likeliest of any choices."""

    def loglikelihoods(self, pairs):
        texts = ["".join(map(chr, choice)) for _, choice in pairs]
        return [(float(text == "yes"), False) for text in texts]


def asked_again(place, folder, task, script=str, **settings):
    """The stages and the score of a task in a home that may have some already."""
    (benchmark,) = found(place, f"lm_eval:{task}", **settings).benchmarks
    store = Store(folder)
    built = predict_stored([benchmark], {}, store, lambda: Affirming(script))[benchmark.key]
    score = score_stored(built, benchmark, "lm_eval", {}, Services(), store)
    return built.key, score.signature, score.value


def yes_or_no(place, gold, number=4):
    choices = {"text": ["yes", "no"], "label": ["A", "B"]}
    rows = [{"question": f"{n}?", "choices": choices, "answerKey": gold} for n in range(number)]
    (place / "benchmarks").mkdir(exist_ok=True)
    shutil.rmtree(place / "data/hub/allenai/ai2_arc", ignore_errors=True)
    copy(place, "allenai/ai2_arc", "ARC-Easy", train=rows, validation=rows, test=rows)


def test_flipped_gold_answers_give_the_new_score_in_the_same_home(tmp_path):
    yes_or_no(tmp_path, "A")
    first = asked_again(tmp_path, tmp_path / "store", "arc_easy")
    yes_or_no(tmp_path, "B")
    second = asked_again(tmp_path, tmp_path / "store", "arc_easy")
    assert (first[2], second[2]) == (1.0, 0.0)
    assert first[0] != second[0]
    assert first[1] != second[1]
    yes_or_no(tmp_path, "A")
    assert asked_again(tmp_path, tmp_path / "store", "arc_easy") == first


def test_a_corrected_answer_to_a_text_asked_without_examples_counts(tmp_path):
    def with_answer(answer):
        rows = [{"question": "What is 1 + 1?", "answer": f"It is.\n#### {answer}"}]
        shutil.rmtree(tmp_path / "data/hub", ignore_errors=True)
        copy(tmp_path, "openai/gsm8k", "main", train=SUMS, test=rows)
        folder = tmp_path / "benchmarks/mine"
        folder.mkdir(parents=True, exist_ok=True)
        text = "include: lm_eval\ntask: gsm8k\nnum_fewshot: 0\n"
        (folder / "sum_test.yaml").write_text(text, encoding="utf-8")
        (benchmark,) = found(tmp_path, "mine").benchmarks
        store = Store(tmp_path / "store")
        generator = ScriptedGenerator(lambda prompt: "#### 2")
        built = predict_stored([benchmark], {}, store, lambda: generator)[benchmark.key]
        return score_stored(built, benchmark, "lm_eval", {}, Services(), store)

    wrong, right = with_answer("3"), with_answer("2")
    assert (wrong.value, right.value) == (0.0, 1.0)
    assert wrong.signature != right.signature


def test_the_metrics_of_a_task_and_lm_evals_version_are_in_its_definition(place, monkeypatch):
    (benchmark,) = found(place, "lm_eval:arc_easy").benchmarks
    task = benchmark.task.task
    before = definition_of(task)
    assert before == benchmark.task.definition  # of a task that makes nothing of its rows
    assert f"asked:{before[:8]}" in benchmark.task.signature(Split.TEST)
    metrics = task.config.metric_list
    task.set_config("metric_list", metrics[:1])
    fewer = definition_of(task)
    task.set_config("metric_list", metrics)
    monkeypatch.setattr("importlib.metadata.version", lambda name: "9.9")
    assert len({before, fewer, definition_of(task)}) == 3


def test_a_tasks_functions_are_told_by_their_source_not_their_place_in_memory():
    def defined(**settings):
        class Task:
            def dump_config(self):
                return TaskConfig(task="one", **settings).to_dict()

        return definition_of(Task())

    def filled():
        def process(doc, subject):
            return doc

        return partial(process, subject="law")

    assert defined(process_docs=filled()) == defined(process_docs=filled())
    assert defined(process_docs=partial(max, 1)) != defined(process_docs=partial(max, 2))
    assert defined(doc_to_text=solution) != defined(doc_to_text=asked_again)


class Knowing(ScriptedGenerator):
    """Finds the letter likeliest that stands before "right" in the question."""

    def loglikelihoods(self, pairs):
        found = []
        for chat, choice in pairs:
            prompt, letter = ("".join(map(chr, ids)) for ids in (chat, choice))
            found.append((float(f"{letter} right" in prompt), False))
        return found


def test_choices_that_a_task_shuffles_stay_with_their_right_answers(tmp_path, capfd):
    wrong = {f"Incorrect Answer {n}": f"wrong {n}" for n in (1, 2, 3)}
    rows = [{"Question": f"{n}?", "Correct Answer": f"right {n}", **wrong} for n in range(12)]
    copy(tmp_path, "Idavidrein/gpqa", "gpqa_main", train=rows)
    (tmp_path / "benchmarks").mkdir()
    (benchmark,) = found(tmp_path, "lm_eval:gpqa_main_zeroshot").benchmarks
    answers = predict([benchmark], Knowing(str))[benchmark.key]
    assert value(benchmark, answers).value == 1.0
    assert len({row.output for row in answers}) > 1  # they are shuffled
    assert "Map" not in capfd.readouterr().err
    state = random.getstate()
    random.seed(7)  # whatever was drawn before
    rows[0]["Question"] = "changed, so that it is read again?"
    shutil.rmtree(tmp_path / "data")
    copy(tmp_path, "Idavidrein/gpqa", "gpqa_main", train=rows)
    (again,) = found(tmp_path, "lm_eval:gpqa_main_zeroshot").benchmarks
    random.setstate(state)
    assert [row["prompt"] for row in again.items[1:]] == [
        row["prompt"] for row in benchmark.items[1:]
    ]


@pytest.mark.parametrize("task", ["gsm8k", "arc_easy"])
def test_the_examples_that_are_shown_are_those_that_identify_the_task_each_time(tmp_path, task):
    sums = [{"question": f"What is {n} + 1?", "answer": f"#### {n + 1}"} for n in range(40)]
    copy(tmp_path, "openai/gsm8k", "main", train=sums[5:], test=sums[:5])
    yes_or_no(tmp_path, "A", 40)
    folder = tmp_path / "benchmarks/mine"
    folder.mkdir()
    text = f"include: lm_eval\ntask: {task}\nnum_fewshot: 3\n"
    (folder / "shown_test.yaml").write_text(text, encoding="utf-8")
    (benchmark,) = found(tmp_path, "mine").benchmarks
    prompts = [row["prompt"] for row in benchmark.items]
    assert len({prompt.partition("Answer")[0] for prompt in prompts}) > 1  # drawn for each item
    for _ in range(2):
        answers = predict([benchmark], Affirming(solution))[benchmark.key]
        assert [row.prompt for row in answers] == prompts


def test_a_task_that_makes_other_prompts_each_time_is_refused(tmp_path):
    yes_or_no(tmp_path, "A")
    (benchmark,) = found(tmp_path, "lm_eval:arc_easy").benchmarks
    numbers = count()
    benchmark.task.task.set_config(key="doc_to_text", value=lambda row: f"{next(numbers)}?")
    with pytest.raises(EvaluationError, match=r"arc_easy: it makes other items or prompts"):
        predict([benchmark], Affirming(str))
