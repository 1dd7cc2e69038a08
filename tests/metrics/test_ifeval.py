import dataclasses
import json
import random
import subprocess
import sys

import nltk
import pytest
from nltk.tokenize.punkt import PunktTrainer, save_punkt_params

from harness.errors import DataError, MissingExtra
from harness.evaluation.score import Unmeasured, metric_named, score_predictions
from harness.metrics.shared.ifeval import followed
from harness.protocols import Services
from harness.records import Prediction
from tests.outside import DATA, outside

IFEVAL = DATA / "ifeval/input_data.jsonl"
IDS = ["punctuation:no_comma", "startend:end_checker"]
SENTENCES = ["length_constraints:number_sentences"], [{"relation": "at least", "num_sentences": 2}]


def answered(answer, ids, kwargs, name="1"):
    extra = {"instruction_id_list": ids, "kwargs": kwargs}
    return Prediction(name, "Describe a lake.", answer, answer, extra=extra)


@pytest.fixture
def no_punkt(monkeypatch, tmp_path):
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    nltk.data.clear_cache()


@pytest.fixture
def punkt(monkeypatch, tmp_path):
    """A sentence splitter of NLTK's, trained on two sentences."""
    folder = tmp_path / "tokenizers/punkt_tab/english"
    folder.mkdir(parents=True)
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])  # it writes there alone
    trainer = PunktTrainer("A lake is water. It is still.")
    save_punkt_params(trainer.get_params(), dir=str(folder))
    nltk.data.clear_cache()


@pytest.mark.parametrize(
    ("answer", "strict", "loose"),
    [
        ("a lake is water", (True, True), (True, True)),
        ("a lake, is water", (False, True), (False, True)),
        ("a lake is water\nI hope, that helps", (False, False), (True, True)),
        ("a lake is *water*", (True, False), (True, True)),
        ("a lake", (True, False), (True, False)),
        ("", (False, False), (False, False)),
    ],
)
def test_each_instruction_is_checked_strictly_and_loosely(answer, strict, loose):
    row = answered(answer, IDS, [{}, {"end_phrase": "water"}])
    assert followed(row, loose=False) == strict
    assert followed(row, loose=True) == loose


def test_items_and_instructions_are_counted_apart():
    ids, kwargs = ["punctuation:no_comma", "keywords:existence"], [{}, {"keywords": ["lake"]}]
    rows = [
        answered("a lake", ids, kwargs, "1"),
        answered("a pond", ids, kwargs, "2"),
        answered("a, lake", ids[:1], kwargs[:1], "3"),
    ]
    found = {
        name: score_predictions(rows, name, {}, Services())
        for name in ("ifeval_strict", "ifeval_instructions")
    }
    assert found["ifeval_strict"].value == 1 / 3
    assert found["ifeval_instructions"].value == 3 / 5
    assert found["ifeval_strict"].classes == ("followed", "broken", "broken")


def test_an_instruction_that_ifeval_does_not_know_is_named():
    with pytest.raises(DataError, match=r"item '1': found \['rhyme'\]"):
        followed(answered("a", ["rhyme"], [{}]), loose=False)


def test_without_the_sentence_splitter_it_is_not_measured_and_nothing_is_fetched(no_punkt):
    row = answered("A lake. It is still.", *SENTENCES)
    with pytest.raises(MissingExtra, match=r"harness doctor --fetch punkt_tab"):
        followed(row, loose=False)
    assert isinstance(score_predictions([row], "ifeval_strict", {}, Services()), Unmeasured)


def test_with_it_sentences_are_counted(punkt):
    assert followed(answered("A lake is water. It is still.", *SENTENCES), loose=False) == (True,)
    assert followed(answered("A lake is still water.", *SENTENCES), loose=False) == (False,)


@outside("ifeval")
def test_every_item_of_ifeval_is_checked_and_an_empty_answer_follows_nothing(punkt):
    rows = [json.loads(line) for line in IFEVAL.read_text(encoding="utf-8").splitlines()]
    empty = [answered("", row["instruction_id_list"], row["kwargs"]) for row in rows]
    assert len(empty) == 541
    assert not any(any(followed(row, loose=False)) for row in empty)
    assert sum(len(followed(row, loose=False)) for row in empty) == 834


LETTER = (
    ["keywords:letter_frequency"],
    [{"let_frequency": 6, "let_relation": "at least", "letter": "!"}],
)


def test_what_an_instruction_leaves_open_is_one_in_every_process_and_order():
    rows = [
        answered("A lake lies still. " * 3, *LETTER, name=name) for name in ("1129", "1122", "7")
    ]
    code = (
        "import json, sys\n"
        "from harness.metrics.shared.ifeval import followed\n"
        "from harness.records import Prediction\n"
        "rows = [Prediction(**row) for row in json.load(sys.stdin)]\n"
        "print([followed(row, loose=False)[0] for row in rows])\n"
    )
    given = json.dumps([dataclasses.asdict(row) for row in rows])
    said = {
        subprocess.run(
            [sys.executable, "-c", code], input=given, text=True, capture_output=True, check=True
        ).stdout
        for _ in range(3)
    }
    here = [followed(row, loose=False)[0] for row in reversed(rows)][::-1]
    assert said == {f"{here}\n"}
    random.seed(5)
    expected = random.random()
    random.seed(5)
    followed(rows[0], loose=True)
    assert random.random() == expected


def test_what_is_missing_is_said_before_anything_is_generated(no_punkt):
    metric = metric_named("ifeval_loose")
    metric.check_here([answered("", *LETTER)])
    with pytest.raises(MissingExtra, match="punkt_tab") as caught:
        metric.check_here([answered("", *SENTENCES)])
    assert "harness doctor --fetch punkt_tab" in caught.value.hint
