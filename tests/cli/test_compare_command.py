import json
from dataclasses import replace

import pytest

from harness.storage.results import write_results
from tests.synthetic import make_result

KEY = "pocket_translation/en_de_test/chrf"


def write_outputs(path, answers):
    rows = (
        {"id": str(n), "output": text, "source": f"s{n}", "references": ["the small dog sleeps"]}
        for n, text in enumerate(answers)
    )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture(autouse=True)
def outputs(tmp_path):
    good = ["the small dog sleeps", "the small dog slept", "a small dog sleeps"] * 10
    poor = ["the dog", "the small cat", "dogs sleep"] * 10
    write_outputs(tmp_path / "good.jsonl", good)
    write_outputs(tmp_path / "poor.jsonl", poor)
    (tmp_path / "good.txt").write_text("\n".join(good) + "\n", encoding="utf-8")
    (tmp_path / "poor.txt").write_text("\n".join(poor) + "\n", encoding="utf-8")
    (tmp_path / "reference.txt").write_text("the small dog sleeps\n" * 30, encoding="utf-8")


def runs(name, *, seeds, variant="sft", **qualities):
    return [
        replace(make_result(variant=variant, seed=seed, **qualities), name=name) for seed in seeds
    ]


def compared(harness, *arguments):
    shown = harness("compare", *arguments, "--json")
    assert shown.code == 0, shown.err
    return shown.document["comparisons"]


def test_outputs_are_fixed_systems_whose_items_decide(harness):
    (line,) = compared(harness, "good.jsonl", "poor.jsonl", "--metric", "chrf")
    assert (line["metric"], line["first"], line["second"]) == ("chrf", "good.jsonl", "poor.jsonl")
    assert line["decision"] == "better"
    assert line["low"] < line["value"] < line["high"]
    assert (line["items"], line["seeds"]) == (30, None)


def test_plain_text_beside_references_says_the_same_as_predictions(harness):
    (plain,) = compared(
        harness, "good.txt", "poor.txt", "--reference", "reference.txt", "--metric", "chrf"
    )
    (line,) = compared(harness, "good.jsonl", "poor.jsonl", "--metric", "chrf")
    assert [plain[name] for name in ("value", "low", "high", "p_value")] == pytest.approx(
        [line[name] for name in ("value", "low", "high", "p_value")]
    )


def test_every_system_is_compared_with_the_last_and_holm_counts_them_all(harness):
    lines = compared(harness, "good.jsonl", "poor.jsonl", "good.jsonl", "--metric", "chrf", "empty")
    assert [(line["metric"], line["first"]) for line in lines] == [
        ("chrf", "good.jsonl"),
        ("chrf", "poor.jsonl"),
        ("empty", "good.jsonl"),
        ("empty", "poor.jsonl"),
    ]
    same, poor, *constants = lines
    assert (same["value"], same["p_value"], same["decision"]) == (0.0, 1.0, "equivalent")
    assert poor["p_holm"] == poor["p_value"]  # the other three do not differ at all
    assert {line["p_value"] for line in constants} == {1.0}


def test_a_margin_is_what_is_too_small_to_matter(harness):
    (line,) = compared(
        harness, "good.jsonl", "poor.jsonl", "--metric", "chrf", "--margin", "chrf=99"
    )
    assert (line["decision"], line["margin"], line["within_margin"]) == ("better", 99.0, True)


def test_trained_runs_are_judged_over_their_seeds(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=range(1, 6), translation=0.95))
    write_results(tmp_path / "b.json", runs("b", seeds=range(6, 11), translation=0.5))
    (line,) = compared(harness, "a.json", "b.json", "--metric", KEY)
    assert (line["metric"], line["seeds"], line["decision"]) == (KEY, [5, 5], "better")


def test_one_seed_of_a_trained_configuration_decides_nothing(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=[1], translation=0.95))
    write_results(tmp_path / "b.json", runs("b", seeds=range(6, 11), translation=0.5))
    (line,) = compared(harness, "a.json", "b.json", "--metric", KEY)
    assert (line["p_value"], line["p_holm"], line["decision"]) == (None, None, "undecided")
    assert line["items_only"]
    assert line["low"] < line["value"] < line["high"]


def test_an_untuned_model_has_no_seeds(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=[0], variant="base", translation=0.95))
    write_results(tmp_path / "b.json", runs("b", seeds=[0], variant="base", translation=0.4))
    (line,) = compared(harness, "a.json", "b.json", "--metric", KEY)
    assert (line["seeds"], line["decision"]) == (None, "better")


def test_an_undecided_line_says_what_would_have_decided(harness, tmp_path):
    write_outputs(tmp_path / "other.jsonl", ["the small dog slept", "the small dog sleeps"] * 15)
    (line,) = compared(harness, "good.jsonl", "other.jsonl", "--metric", "bleu")
    assert line["decision"] == "undecided"
    assert line["needed"]["seeds"] is None
    assert line["needed"]["items"] > 30
    shown = harness("compare", "good.jsonl", "other.jsonl", "--metric", "bleu")
    assert f"{line['needed']['items']:,} items" in shown.out


def test_other_references_under_the_same_ids_are_refused(harness, tmp_path):
    text = (tmp_path / "poor.jsonl").read_text(encoding="utf-8")
    (tmp_path / "moved.jsonl").write_text(text.replace("small dog sleeps", "cat"), encoding="utf-8")
    shown = harness("compare", "good.jsonl", "moved.jsonl", "--metric", "chrf")
    assert shown.code == 2
    assert "30 have another source or references, the first is '0'" in shown.err


def test_other_items_are_refused(harness, tmp_path):
    write_outputs(tmp_path / "short.jsonl", ["the dog"] * 29)
    shown = harness("compare", "good.jsonl", "short.jsonl", "--metric", "chrf")
    assert shown.code == 2
    assert "not the same items: 1 are in one alone, the first is '29'" in shown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("good.jsonl",), "found one system, allowed two or more"),
        (("good.jsonl", "poor.jsonl"), "no metric is named"),
        (("good.txt", "poor.txt", "--metric", "bleu"), "--reference"),
        (("good.jsonl", "nowhere.jsonl", "--metric", "bleu"), "nowhere.jsonl"),
        (("good.jsonl", "poor.jsonl", "--metric", "bleuu"), "did you mean 'bleu'?"),
        (
            ("good.jsonl", "poor.jsonl", "--metric", "bleu", "--margin", "bleu=-1"),
            "--margin bleu=-1: allowed a number above 0",
        ),
    ],
)
def test_bad_calls_say_what_is_allowed(harness, arguments, said):
    shown = harness("compare", *arguments)
    assert shown.code == 2
    assert said in shown.err


def test_tables_are_written_for_papers(harness, tmp_path):
    shown = harness(
        *("compare", "good.jsonl", "poor.jsonl", "--metric", "chrf"),
        *("--markdown", "out.md", "--latex", "out.tex"),
    )
    assert shown.code == 0, shown.err
    assert "| chrf | good.jsonl | poor.jsonl |" in (tmp_path / "out.md").read_text()
    assert "chrf & good.jsonl & poor.jsonl" in (tmp_path / "out.tex").read_text()
