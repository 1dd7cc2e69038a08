"""Results files that are not as they were written: the place, what was found, what is allowed."""

import json

import pytest

from harness.errors import DataError
from harness.storage.results import parse_results, results_text
from tests.synthetic import make_result

KEY = "pocket_general/facts_test/exact_match"
PART = "summary_parts.pocket_general/summary_test.0"


@pytest.fixture(scope="module")
def text():
    return results_text([make_result(num_items=3, splits=("test",))])


def edited(text, *path, to):
    data = json.loads(text)
    inner = data["results"][0]
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = to
    return json.dumps(data)


@pytest.mark.parametrize(
    ("field", "to", "said"),
    [
        ("ids", [1, 2, 3], "ids: found 1, allowed texts"),
        ("ids", ["a", "b", "a"], "ids: 'a' is there twice"),
        ("ids", ["a", "b"], "statistics: found 3, allowed 2, one per item"),
        ("statistics", [[1, 1], [0], [1, 1]], "statistics: found items of 1 and 2 numbers"),
        ("statistics", [1, 0, 1], "statistics: found what is no list of numbers"),
        ("statistics", [[1, None]] * 3, "statistics: found what is no number"),
        ("settings", ["ignore_case"], 'settings: found ["ignore_case"], allowed a mapping'),
        ("value", None, "value: found null, allowed a number"),
    ],
)
def test_what_is_wrong_with_a_score_is_named_with_its_place(text, field, to, said):
    with pytest.raises(DataError) as refused:
        parse_results(edited(text, "scores", KEY, field, to=to), "here.json")
    assert f"here.json: results.0.scores.{KEY}.{said}" in refused.value.message


def test_a_scale_without_length_is_refused(text):
    key = PART.split(".")[1]
    with pytest.raises(DataError) as refused:
        parse_results(edited(text, "summary_parts", key, 0, "best", to=0.0), "here.json")
    assert f"results.0.{PART}: found worst 0.0 and best 0.0, allowed two" in refused.value.message


def test_a_number_beyond_all_floats_is_read_as_infinite(text):
    (result,) = parse_results(edited(text, "scores", KEY, "value", to=10**400), "here.json")
    assert [score.value for key, score in result.scores.items() if str(key) == KEY] == [
        float("inf")
    ]
