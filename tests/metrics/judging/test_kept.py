"""Judgements on disk: written whole before they are there, asked again where they are not whole."""

import pytest

from harness.evaluation.score import score_predictions
from harness.metrics.judging.client import read_judgement, write_judgement
from harness.protocols import Judgement
from tests.metrics.judging.conftest import Bench, prediction, shown
from tests.servers.loopback import said, serving

SAID = Judgement("[[7]] ไทย", "served", {"m": -0.5})


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "ab" / "abc.json"
    assert read_judgement(path) is None
    write_judgement(path, SAID, {"repeat": 1})
    assert read_judgement(path) == SAID
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"{}", b"[]", b'{"judgement": {"a": 1}}'])
def test_a_judgement_that_cannot_be_read_is_asked_again(judge, prompts, caplog, content):
    bench = judge(lambda asked: "[[7]]")
    settings = {"server": bench.server, "prompts": prompts, "repeats": 1}
    items = [prediction("one", "x")]
    first = score_predictions(items, "judge_grade", settings, bench.services)
    (path,) = bench.folder.rglob("*.json")
    path.write_bytes(content)
    assert score_predictions(items, "judge_grade", settings, bench.services) == first
    assert bench.num_asked == 2
    assert f"{path}: no judgement can be read in it" in caplog.text
    assert read_judgement(path).text == "[[7]]"


def test_what_a_filter_left_nothing_of_is_no_judgement_and_asked_again(prompts, tmp_path):
    filtered = [True]

    def answering(asked):
        return (
            said("", "content_filter") if filtered and "one" in shown(asked)["q"] else said("[[7]]")
        )

    items = [prediction("one", "x"), prediction("two", "y")]
    with serving(answering) as loopback:
        bench = Bench(loopback, tmp_path / "judgements")
        settings = {"server": bench.server, "prompts": prompts, "repeats": 1}
        found = score_predictions(items, "judge_grade", settings, bench.services)
        assert (found.value, found.facts["unrated"], bench.num_asked) == (7.0, 0.5, 2)
        assert len(list(bench.folder.rglob("*.json"))) == 1
        filtered.clear()
        found = score_predictions(items, "judge_grade", settings, bench.services)
        assert (found.value, found.facts["unrated"], bench.num_asked) == (7.0, 0.0, 3)
        assert len(list(bench.folder.rglob("*.json"))) == 2
