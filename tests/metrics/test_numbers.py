import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lm_eval.filters.extraction import RegexFilter

from harness.evaluation.score import score_predictions
from harness.metrics.shared.numbers import flexible_number, same_number, strict_number
from harness.protocols import Services
from harness.records import Prediction
from tests.outside import DATA, outside

GSM8K = DATA / "gsm8k/test.jsonl"
# The filters of lm-eval's gsm8k, as its YAML sets them.
STRICT = RegexFilter(regex_pattern=r"#### (\-?[0-9\.\,]+)", fallback="")
FLEXIBLE = RegexFilter(regex_pattern=r"(-?[$0-9.,]{2,})|(-?[0-9]+)", group_select=-1, fallback="")
TEXTS = st.text(alphabet="#0123456789.,$- \nab", max_size=40)


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        ("She makes 9 * 2 = $18.\n#### 18", "18", "18"),
        ("#### 18 dollars, in 7 days", "18", "7"),
        ("#### 1,800", "1,800", "1,800"),
        ("#### -3", "-3", "-3"),
        ("####18", None, "18"),
        ("#### $18", None, "$18"),
        ("The answer is 18.", None, "18."),
        ("The answer is eighteen.", None, None),
        ("First #### 1, then #### 2", "1,", "2"),
        ("", None, None),
    ],
)
def test_the_number_is_found_as_written(text, strict, flexible):
    assert strict_number(text) == strict
    assert flexible_number(text) == flexible


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        ("18", "a sum\n#### 18", True),
        ("$1,800.", "#### 1800", True),
        ("18.0", "#### 18", False),
        ("-3", "#### 3", False),
        (None, "#### 3", False),
    ],
)
def test_commas_dollars_and_a_final_stop_do_not_count(found, wanted, same):
    assert same_number(found, wanted) is same


@given(TEXTS)
def test_extraction_is_that_of_lm_eval(text):
    assert (strict_number(text) or "") == STRICT.apply([[text]], [{}])[0][0]
    assert (flexible_number(text) or "") == FLEXIBLE.apply([[text]], [{}])[0][0]


def gsm8k(say):
    rows = [json.loads(line) for line in GSM8K.read_text(encoding="utf-8").splitlines()]
    return [
        Prediction(str(number), row["question"], say(row), say(row), target=row["answer"])
        for number, row in enumerate(rows)
    ]


@outside("gsm8k")
@pytest.mark.parametrize(
    ("say", "strict", "flexible"),
    [
        (lambda row: row["answer"], 1.0, 1.0),
        (lambda row: "The answer is " + row["answer"].rpartition("#### ")[2] + ".", 0.0, 1.0),
        (lambda row: row["answer"].rpartition("#### ")[0], 0.0, None),
        (lambda row: "", 0.0, 0.0),
    ],
)
def test_the_solutions_of_gsm8k_score_as_they_must(say, strict, flexible):
    rows = gsm8k(say)
    assert len(rows) == 1319
    found = [
        score_predictions(rows, name, {}, Services()).value
        for name in ("number_strict", "number_flexible")
    ]
    assert found[0] == strict
    assert found[1] == flexible or flexible is None
