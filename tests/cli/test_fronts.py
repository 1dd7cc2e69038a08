"""What a sweep shows in the terminal and to a program."""

from dataclasses import replace

import pytest

from harness.cli.fronts import plain_answer, print_front
from harness.records import parse_key
from tests.synthetic import make_record


@pytest.fixture(scope="module")
def record():
    return make_record(num_items=20)


def shown(record, capsys):
    print_front(record)
    return capsys.readouterr().out


def test_the_answer_stands_before_the_front_and_decisions_below_it(record, capsys):
    out = shown(record, capsys)
    sentence = plain_answer(record)["answer"]["sentence"]
    first, front, decisions = (
        out.index(text) for text in (sentence.split(",")[0], "Pareto front of", "against base")
    )
    assert first < front < decisions
    assert "base  untuned" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_share_of_one_seed_says_that_another_is_not_counted_in(record, capsys):
    single = make_record(num_items=20, seeds=(1,), fresh_seeds=())
    assert ", of items alone: another seed is not counted in)" in " ".join(
        shown(single, capsys).split()
    )
    assert plain_answer(single)["front_shares_of_items_alone"] is True
    assert "another seed is not counted in" not in " ".join(shown(record, capsys).split())
    assert plain_answer(record)["front_shares_of_items_alone"] is False


def test_a_program_gets_the_decisions_intervals_shares_and_the_base(record):
    document = plain_answer(record)
    assert document["answer"]["kind"] in {"ship", "open", "trade", "nothing"}
    assert document["answer"]["trial"] in record.front
    assert set(document["front_shares"]) == {str(t.number) for t in record.trials if t.values}
    general = parse_key("pocket_general/summary")
    assert document["base"][str(general)] == record.base.value_of(general)
    low, high = document["intervals"]["1"]["pocket_general/summary"]
    assert 0 <= low < high <= 1
    lines = [line for line in document["decisions"] if line["metric"].endswith("summary_test")]
    against_base = [line for line in lines if line["reference"] is None]
    assert {line["trial"] for line in against_base} >= set(record.front)
    assert all(line["decision"] for line in lines)
    assert {"value", "low", "high", "p_holm", "within_margin", "margin", "needed"} <= set(lines[0])
    diagnostics = [line for line in document["decisions"] if line["metric"].endswith("/chrf")]
    assert {line["decision"] for line in diagnostics} == {None}


def test_a_sweep_of_failures_alone_is_shown_too(record, capsys):
    failed = replace(record, trials=record.trials[-1:], front=(), base=None)
    assert "no trial is confirmed on test data" in shown(failed, capsys)
