"""What every file of harness/metrics owes; a new file is tested without an edit here.

Only what perfect and empty answers score is said here per metric, and only where it is not 1 and 0.
"""

import atexit
import json
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from harness.evaluation.score import metric_named, score_predictions
from harness.protocols import Judgement, Services
from harness.records import Prediction
from harness.settings import catalogue, plugins
from harness.statistics.totals import total_of
from harness.storage.results import score_from_plain, score_to_plain

NAMES = plugins.names("metric")

GERMAN = (
    "Der alte Hund schläft heute im Garten.",
    "Die Katze frisst am Morgen einen Fisch.",
    "Das Kind liest ein Buch über Vögel.",
    "Die Mutter fährt mit dem Zug nach Hause.",
)
ENGLISH = (
    "The old dog sleeps in the garden today.",
    "The cat eats a fish in the morning.",
    "The child reads a book about birds.",
    "The mother goes home by train.",
)
REFUSAL = "Es tut mir leid, aber dabei kann ich nicht helfen."

SUMS = ("#### 5", "2 + 7 is 9. #### 9", "#### 1,200", "#### -3")
PERFECT_ANSWERS = {"refusal": (REFUSAL,) * 4, "undetermined": (REFUSAL,) * 4}
PERFECT_ANSWERS |= {"number_strict": SUMS, "number_flexible": SUMS}
WRONG_ANSWERS = {
    "off_target": ENGLISH,
    "translated_instead": ENGLISH,
    "over_refusal": (REFUSAL,) * 4,
    "prefaced": tuple(f"Translation: {text}" for text in GERMAN),
    "wrapped": tuple(f"**{text}**" for text in GERMAN),
    "empty": ("",) * 4,
    "undetermined": ("",) * 4,
}
BEST = {"bleu": 100.0, "chrf": 100.0, "chrf_pp": 100.0}
BEST |= dict.fromkeys(
    ["empty", "off_target", "over_refusal", "translated_instead", "truncated", "unparsed"], 0.0
)
BEST |= {"ter": 0.0, "metricx": 0.0, "metricx_qe": 0.0, "prefaced": 0.0, "wrapped": 0.0}
BEST |= {"output_length": 1.0, "undetermined": 0.0, "judge_grade": 10.0}
EMPTY = {
    "judge_grade": 1.0,
    "judge_preference": 0.5,
    "empty": 1.0,
    "undetermined": 1.0,
    "choice_accuracy": None,
    "output_length": 1.0,
    "ter": 100.0,
}
TOKENS_OF_A_WRONG_ANSWER = 50


RIGHT = dict(zip(ENGLISH, GERMAN, strict=True))


class EqualityScorer:
    """A learned metric that knows the right answers: 1 for them, 0 for anything else."""

    def version(self):
        return "equality 1"

    def score(self, model, rows, precision):
        return [float(row["mt"] == row.get("ref", RIGHT[row["src"]])) for row in rows]

    def num_cut(self, model, rows):
        return 0


class DifferenceScorer(EqualityScorer):
    """One that says how bad answers are: 25 where they are not the right ones."""

    def score(self, model, rows, precision):
        return [25.0 * (1 - equal) for equal in super().score(model, rows, precision)]


class EqualityJudge:
    """A judge that knows the right answers: 10 for them and 1 for anything else."""

    def ask(self, server, requests):
        return [Judgement(self.verdict(one.messages[-1].content), "wise") for one in requests]

    def verdict(self, text):
        if "[Response]" in text:
            answer = text.partition("[Response]\n")[2].partition("\n[End")[0]
            return f"So: [[{'B' if answer in RIGHT.values() else 'A'}]]"
        kind, *answers = text.split("|")
        if kind == "single":
            return "[[10]]" if answers[0] in RIGHT.values() else "[[1]]"
        first, second = (answer in RIGHT.values() for answer in answers)
        return f"[[{'AB'[second]}]]" if first != second else "[[C]]"


SERVICES = Services(learned=EqualityScorer(), judge=EqualityJudge(), metricx=DifferenceScorer())


def predictions(answers, *, perfect=True, right=GERMAN):
    return [
        Prediction(
            id=str(index),
            prompt=GERMAN[index],
            output=answer,
            answer=answer,
            source=ENGLISH[index],
            references=(right[index],),
            target=right[index],
            language="de",
            source_lang="en",
            target_lang="de",
            choices=(-1.0, -2.0) if perfect else (-2.0, -1.0),
            num_tokens=1 if perfect else TOKENS_OF_A_WRONG_ANSWER,
            finished=perfect,
            extra={
                "constraints": [{"kind": "contains", "text": GERMAN[index]}],
                "target_index": 0,
                "choice_texts": ["ja", "nein"],
                "instruction_id_list": ["keywords:existence", "punctuation:no_comma"],
                "kwargs": [{"keywords": [GERMAN[index]]}, {}],
                "lm_eval": {"acc,none": float(answer == right[index])},
            },
        )
        for index, answer in enumerate(answers)
    ]


@cache
def judged(other=False):
    """Files a judge needs, of our own wording: prompts, references, another system's answers."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    prompts = {"single-v1": ("single|{answer}", "[[rating]]")}
    prompts["pair-v2"] = ("pair|{answer_a}|{answer_b}", "[[A]]")
    rows = {
        "prompts": [
            {"name": name, "system_prompt": f"Judge{other}.", "prompt_template": text}
            | {"output_format": form}
            for name, (text, form) in prompts.items()
        ],
        "references": [{"question_id": "sum", "choices": [{"turns": [f"4{other}"]}]}],
        "against": [{"id": str(index), "output": f"another{other}"} for index in range(4)],
    }
    for name, lines in rows.items():
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    server = {"url": "http://127.0.0.1:1/v1", "model": f"wise{other}"}
    return {"server": server} | {name: str(folder / f"{name}.jsonl") for name in rows}


@cache
def checkpoint():
    """What looks like a MetricX checkpoint; nothing here loads it."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    config = {"model_type": "mt5", "architectures": ["MT5ForRegression"], "vocab_size": 250112}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for name in ("model.safetensors", "spiece.model"):
        (folder / name).write_bytes(b"")
    return folder


def settings_of(name):
    # few languages load quickly; the shipped COMET is here and, being named, does not warn
    fields = plugins.load("metric", name).model_fields
    languages = {"languages": ["en", "de"]} if "languages" in fields else {}
    files = {key: value for key, value in judged().items() if "server" in fields and key in fields}
    model = str(checkpoint()) if name.startswith("metricx") else "pocket"
    return languages | files | ({"model": model} if "model" in fields else {})


def score(name, rows):
    return score_predictions(rows, name, settings_of(name), SERVICES)


def perfect(name):
    right = SUMS if name.startswith("number_") else GERMAN
    return predictions(PERFECT_ANSWERS.get(name, GERMAN), right=right)


def wrong(name):
    shuffled = (*ENGLISH[1:], ENGLISH[0])
    rows = predictions(WRONG_ANSWERS.get(name, shuffled), perfect=False)
    return [replace(row, answer="") for row in rows] if name == "unparsed" else rows


@pytest.mark.parametrize("name", NAMES)
def test_its_name_is_its_file(name):
    assert metric_named(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_had_without_settings_and_survives_the_round_trip(name):
    metric = metric_named(name)
    assert type(metric).model_validate(metric.plain()) == metric


@pytest.mark.parametrize("name", NAMES)
def test_it_says_range_direction_empty_answers_and_reference_implementation(name):
    kind = plugins.load("metric", name)
    said_by_both = f"{sys.modules[kind.__module__].__doc__} {kind.__doc__}"
    text = " ".join(said_by_both.lower().split())
    for said in ("better", "empty", "reference implementation", "0"):
        assert said in text, said
    described = next(one for one in catalogue.plugins("metric") if one.name == name)
    assert all(option.description for option in described.options)


@pytest.mark.parametrize("name", NAMES)
def test_perfect_predictions_score_the_best_value_and_wrong_ones_a_worse(name):
    best, bad = score(name, perfect(name)), score(name, wrong(name))
    assert best.value == pytest.approx(BEST.get(name, 1.0))
    assert bad.value < best.value if best.higher_is_better else bad.value > best.value


@pytest.mark.parametrize("name", NAMES)
def test_empty_predictions_score_the_documented_value(name):
    learned = "precision" in plugins.load("metric", name).model_fields
    expected = None if learned else EMPTY.get(name, 0.0)
    if expected is not None:
        assert score(name, predictions([""] * 4)).value == expected


@pytest.mark.parametrize("name", NAMES)
def test_the_order_of_items_does_not_matter(name):
    rows = [*perfect(name)[:2], *wrong(name)[2:]]
    mixed = random.Random(1).sample(rows, len(rows))
    assert mixed != rows
    assert score(name, mixed).value == pytest.approx(score(name, rows).value, abs=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_summed_statistics_of_the_items_give_the_value(name):
    found = score(name, [*perfect(name)[:2], *wrong(name)[2:]])
    totals = [sum(column) for column in zip(*found.statistics, strict=True)]
    metric = metric_named(name, settings_of(name))
    assert metric.aggregate(totals) == found.value
    assert metric.aggregate([float(total) for total in totals]) == found.value
    assert len(found.statistics) == len(found.ids) == 4


@pytest.mark.parametrize("name", NAMES)
def test_statistics_of_an_item_do_not_depend_on_the_other_items(name):
    rows = [*perfect(name)[:2], *wrong(name)[2:]]
    together = score(name, rows).statistics
    assert [score(name, [row]).statistics[0] for row in rows] == list(together)


@pytest.mark.parametrize("name", NAMES)
def test_classes_are_none_or_one_an_item(name):
    assert len(score(name, perfect(name)).classes) in {0, 4}


OTHER = {
    "metric": "acc",
    "filter": "none",
    "languages": ["de", "fr"],
    "tokenize": "char",
    "normalise": "characters",
    "precision": "bf16",
    "char_order": 4,
    "word_order": 1,
    "beta": 3,
    "smooth_method": "floor",
    "repeats": 3,
    "temperature": 0.5,
    "max_tokens": 9,
    "reference_categories": ["physics"],
    **judged(other=True),
}


def changeable():
    # the model of a learned metric is told apart by its content, which its own tests check
    for name in NAMES:
        for field, info in plugins.load("metric", name).model_fields.items():
            # AlpacaEval's prompt alone has weights; tests/metrics/judging has them, and
            # tests/metrics/test_overlap.py what goes together with another setting only
            if field not in {"model", "weighted", "smooth_value", "spm"}:
                yield name, field, OTHER.get(field, not info.default)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    list(changeable()),
    ids=lambda part: Path(part).name if str(part).startswith(tempfile.gettempdir()) else str(part),
)
def test_the_signature_changes_with_every_setting(name, field, value):
    rows = perfect(name)
    usual = metric_named(name, settings_of(name))
    changed = metric_named(name, settings_of(name) | {field: value})
    assert usual.signature(rows, SERVICES) != changed.signature(rows, SERVICES)


@pytest.mark.parametrize(
    ("name", "field", "value"),
    list(changeable()),
    ids=lambda part: Path(part).name if str(part).startswith(tempfile.gettempdir()) else str(part),
)
def test_a_score_that_was_kept_adds_up_again_with_the_settings_it_was_made_with(name, field, value):
    rows = [*perfect(name)[:2], *wrong(name)[2:]]
    made = score_predictions(rows, name, settings_of(name) | {field: value}, SERVICES)
    kept = score_from_plain(json.loads(json.dumps(score_to_plain(made))), {})
    assert kept == made
    assert kept.settings[field] == value
    assert total_of(kept) == made.value


def test_metric_files_import_neither_torch_nor_lm_eval():
    code = (
        "import sys\nfrom harness.settings import plugins\n"
        "[plugins.load('metric', name) for name in plugins.names('metric')]\n"
        "heavy = {'torch', 'lm_eval', 'transformers', 'mlflow', 'optuna', 'comet', 'openai'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
