import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.storage.results import write_results
from tests.synthetic import keep_record, make_record, make_result

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
    (tmp_path / "short.txt").write_text("a\nb\n", encoding="utf-8")


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


def with_documents(path, field="doc", size=5):
    """The same rows, so many in a row of one document."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    named = path.with_name(f"documents_{path.name}")
    lines = (json.dumps(row | {field: n // size}) for n, row in enumerate(rows))
    named.write_text("\n".join(lines), encoding="utf-8")
    return named.name


def test_items_of_a_document_are_drawn_together(harness, tmp_path):
    good, poor = (with_documents(tmp_path / f"{name}.jsonl") for name in ("good", "poor"))
    command = (good, poor, "--metric", "chrf")
    (alone,) = compared(harness, *command)
    (line,) = compared(harness, *command, "--cluster", "doc")
    assert (line["items"], line["clusters"], alone["clusters"]) == (30, 6, None)
    assert line["value"] == alone["value"]
    assert line["p_value"] > alone["p_value"]
    shown = " ".join(harness("compare", *command, "--cluster", "doc").out.split())
    assert "30 items in 6 clusters, so few that the interval is rough" in shown


def test_clusters_of_single_items_change_nothing(harness, tmp_path):
    good = with_documents(tmp_path / "good.jsonl", size=1)
    (alone,) = compared(harness, good, "poor.jsonl", "--metric", "chrf")
    (line,) = compared(harness, good, "poor.jsonl", "--metric", "chrf", "--cluster", "doc")
    assert (line["value"], line["low"], line["p_value"]) == pytest.approx(
        (alone["value"], alone["low"], alone["p_value"])
    )


def test_clusters_that_no_file_says_or_two_say_otherwise_are_refused(harness, tmp_path):
    good = with_documents(tmp_path / "good.jsonl")
    other = with_documents(tmp_path / "poor.jsonl", size=3)
    shown = harness("compare", good, other, "--metric", "chrf", "--cluster", "doc")
    assert shown.code == 2
    assert f"{other}: doc of item '3' is another than in the first file" in shown.err
    shown = harness("compare", good, other, "--metric", "chrf", "--cluster", "paper")
    assert shown.code == 2
    assert "--cluster paper: 30 items have none, the first is '0'" in shown.err


def test_results_keep_the_clusters_of_their_benchmarks(harness, tmp_path):
    for name, quality in (("a", 0.9), ("b", 0.5)):
        (result,) = runs(name, seeds=[0], variant="base", translation=quality)
        scores = {
            key: replace(score, clusters=tuple(str(n // 4) for n in range(len(score.ids))))
            for key, score in result.scores.items()
        }
        write_results(tmp_path / f"{name}.json", [replace(result, scores=scores)])
        write_results(tmp_path / f"plain_{name}.json", [result])
    (line,) = compared(harness, "a.json", "b.json", "--metric", KEY)
    assert (line["items"], line["clusters"]) == (60, 15)
    summary = "pocket_general/summary_test"
    (line,) = compared(harness, "a.json", "b.json", "--metric", summary)
    assert (line["items"], line["clusters"]) == (120, 15)  # both benchmarks have the same 15
    shown = harness("compare", "a.json", "plain_b.json", "--metric", KEY)
    assert shown.code == 2
    assert "not every side says which items belong together" in shown.err


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
    assert f"{line['needed']['items']:,} items" in " ".join(shown.out.split())


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
    assert "not the same items: found 30 and 29, 1 are in one alone, the first is '29'" in shown.err


def test_the_document_has_what_programs_rely_on(harness):
    (line,) = compared(harness, "good.jsonl", "poor.jsonl", "--metric", "chrf")
    fields = "metric first second value low high p_value p_holm decision items seeds"
    assert " ".join(list(line)[:11]) == fields
    assert line["within_margin"] is False


def test_packed_predictions_and_names_with_dots_are_read(harness, tmp_path):
    content = (tmp_path / "poor.jsonl").read_bytes()
    (tmp_path / "poor.jsonl.gz").write_bytes(gzip.compress(content))
    (tmp_path / "good.v1.jsonl").write_bytes((tmp_path / "good.jsonl").read_bytes())
    (packed,) = compared(harness, "good.v1.jsonl", "poor.jsonl.gz", "--metric", "chrf")
    (line,) = compared(harness, "good.jsonl", "poor.jsonl", "--metric", "chrf")
    assert (packed["value"], packed["p_value"]) == (line["value"], line["p_value"])


def test_items_are_paired_by_their_ids_whatever_the_order_of_the_rows(harness, tmp_path):
    rows = (tmp_path / "poor.jsonl").read_text(encoding="utf-8").splitlines()
    (tmp_path / "turned.jsonl").write_text("\n".join(reversed(rows)) + "\n\n", encoding="utf-8")
    (turned,) = compared(harness, "good.jsonl", "turned.jsonl", "--metric", "chrf")
    (line,) = compared(harness, "good.jsonl", "poor.jsonl", "--metric", "chrf")
    assert turned["value"] == pytest.approx(line["value"])
    assert turned["p_value"] == pytest.approx(line["p_value"])


def test_an_empty_line_of_plain_text_is_an_empty_answer(harness, tmp_path):
    lines = ["the small dog sleeps", ""] * 15
    (tmp_path / "half.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (line,) = compared(
        harness, "half.txt", "good.txt", "--reference", "reference.txt", "--metric", "empty"
    )
    assert (line["value"], line["decision"]) == (0.5, "worse")


def test_the_systems_of_the_table_are_numbered_also_where_one_is_given_twice(harness):
    shown = harness("compare", "poor.jsonl", "good.jsonl", "good.jsonl", "--metric", "chrf")
    assert "[2] good.jsonl\n[3] good.jsonl" in shown.out
    rows = " ".join(shown.out.split())
    assert "chrf systems difference" in rows
    assert "[1] - [3] -" in rows
    assert "[2] - [3] +0.000" in rows


def test_metrics_may_stand_before_the_systems(harness):
    (line,) = compared(harness, "--metric", "chrf", "good.jsonl", "poor.jsonl")
    assert line["metric"] == "chrf"


def test_files_whose_names_could_be_metrics_end_the_metrics_before_them(harness, tmp_path):
    for name, file in (("good", "good.txt"), ("poor", "poor.txt"), ("bleu", "poor.txt")):
        (tmp_path / name).write_bytes((tmp_path / file).read_bytes())
    (line,) = compared(harness, "--metric", "bleu", "good", "poor", "--reference", "reference.txt")
    assert (line["metric"], line["first"], line["second"]) == ("bleu", "good", "poor")
    lines = compared(
        harness, "--metric", "chrf", "bleu", "good", "poor", "--reference", "reference.txt"
    )
    assert [line["metric"] for line in lines] == ["chrf", "bleu"]


def test_a_fixed_system_is_compared_with_a_trained_one_over_the_seeds_of_the_latter(
    harness, tmp_path
):
    base = replace(make_result(variant="base", seed=0, translation=0.4), name="base")
    write_results(tmp_path / "base.json", [base])
    write_results(tmp_path / "tuned.json", runs("a", seeds=range(1, 6), translation=0.95))
    (line,) = compared(harness, "base.json", "tuned.json", "--metric", KEY)
    assert (line["seeds"], line["decision"]) == ([None, 5], "worse")


def test_two_runs_of_one_seed_decide_nothing_though_the_seed_is_the_same(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=[1], translation=0.95))
    write_results(tmp_path / "b.json", runs("b", seeds=[1], translation=0.4))
    (line,) = compared(harness, "a.json", "b.json", "--metric", KEY)
    assert (line["seeds"], line["p_value"], line["decision"]) == ([1, 1], None, "undecided")
    (same,) = compared(harness, "a.json", "a.json", "--metric", KEY)
    assert (same["p_value"], same["p_holm"], same["decision"]) == (None, None, "undecided")


def test_one_model_evaluated_twice_is_equivalent(harness, tmp_path):
    for name in ("first.json", "second.json"):
        write_results(tmp_path / name, runs("evaluate", seeds=[0], variant="base"))
    (line,) = compared(harness, "first.json", "second.json", "--metric", KEY)
    assert (line["value"], line["p_value"], line["decision"]) == (0.0, 1.0, "equivalent")


def test_results_are_compared_by_what_counts_unless_metrics_are_named(harness, tmp_path):
    for name in ("a", "b"):
        write_results(tmp_path / f"{name}.json", runs(name, seeds=[0], variant="base"))
    keys = {line["metric"] for line in compared(harness, "a.json", "b.json")}
    assert {"pocket_translation/summary_test", "pocket_translation/en_de_test/bleu"} <= keys
    assert not any(key.endswith(("/chrf", "/output_length")) for key in keys)
    named = compared(harness, "a.json", "b.json", "--metric", "translation", "chrf")
    assert {line["metric"] for line in named} == {
        "pocket_translation/summary",
        "pocket_translation/summary_test",
        "pocket_translation/en_de_validation/chrf",
        KEY,
    }


def test_a_summary_takes_the_margin_of_its_axis(harness, tmp_path):
    for name in ("a", "b"):
        write_results(tmp_path / f"{name}.json", runs(name, seeds=[0], variant="base"))
    key = "pocket_translation/summary_test"
    (line,) = compared(harness, "a.json", "b.json", "--metric", key)
    assert line["margin"] == 0.02
    (line,) = compared(harness, "a.json", "b.json", "--metric", key, "--margin", "translation=0.05")
    assert line["margin"] == 0.05


def test_trials_of_a_sweep_are_compared_by_their_confirmed_runs(harness):
    record = make_record(fresh_seeds=(101, 102, 103, 104, 105), num_trials=5, num_items=20)
    keep_record(record, Path(".harness"))
    first, second = record.front[:2]
    (line,) = compared(harness, f"sweep:pocket:{first}", f"sweep:pocket:{second}", "--metric", KEY)
    assert (line["seeds"], line["items"]) == ([5, 5], 20)


def test_other_signatures_are_refused_with_what_differs(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=[0], variant="base"))
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    (tmp_path / "b.json").write_text(text.replace("case:mixed", "case:lc"), encoding="utf-8")
    shown = harness("compare", "a.json", "b.json", "--metric", KEY)
    assert shown.code == 2
    assert f"a.json and b.json: {KEY}: different signatures: case:lc / case:mixed" in shown.err


def test_runs_that_are_not_one_configuration_once_a_seed_are_refused(harness, tmp_path):
    write_results(tmp_path / "twice.json", runs("a", seeds=[1, 1]))
    first, second = runs("b", seeds=[1, 2])
    other = replace(second, config={**second.config, "train": {"steps": 7}})
    write_results(tmp_path / "two.json", [first, other])
    shown = harness("compare", "twice.json", "two.json")
    assert shown.code == 2
    assert "twice.json: seed 1 is there twice, allowed once" in shown.err
    assert "two.json: found 2 configurations (b), allowed one" in shown.err


def test_what_only_some_have_is_left_out_and_named(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=[0], variant="base"))
    tested = runs("b", seeds=[0], variant="base", splits=("test",))
    write_results(tmp_path / "b.json", tested)
    shown = harness("compare", "a.json", "b.json")
    assert shown.code == 0, shown.err
    said = " ".join(shown.out.split())
    assert "- not compared, as not in b.json: pocket_translation/summary, " in said


def test_a_value_that_is_not_finite_is_left_out_and_named(harness, tmp_path):
    write_results(tmp_path / "a.json", runs("a", seeds=[0], variant="base", num_items=6))
    data = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    data["results"][0]["scores"][KEY]["value"] = float("nan")
    (tmp_path / "b.json").write_text(json.dumps(data), encoding="utf-8")
    shown = harness("compare", "a.json", "b.json", "--metric", "chrf")
    assert shown.code == 0, shown.err
    said = " ".join(shown.out.split())
    assert f"- not compared, as its value is not finite in b.json: {KEY}" in said


@pytest.mark.parametrize(("number", "code"), [(1, 2), (2, 0), (5, 0)])
def test_few_items_have_no_interval_and_say_so(harness, tmp_path, number, code):
    for name, text in (("a", "the small dog"), ("b", "a dog sleeps"), ("r", "the small dog slept")):
        (tmp_path / name).write_text(f"{text}\n" * number, encoding="utf-8")
    shown = harness("compare", "a", "b", "--reference", "r", "--metric", "chrf")
    assert shown.code == code
    if code:
        said = "nothing to compare: it has fewer than two items, or clusters of them, in a, b: chrf"
        assert said in shown.err
    else:
        assert f"{number} items, so few that there is no interval" in " ".join(shown.out.split())


def test_all_that_is_wrong_is_said_before_anything_is_scored(harness, tmp_path):
    (tmp_path / "twice.jsonl").write_text('{"id": "0", "output": "a"}\n' * 2, encoding="utf-8")
    (tmp_path / "broken.jsonl").write_text("{\n", encoding="utf-8")
    shown = harness("compare", "twice.jsonl", "broken.jsonl", "good.jsonl", "--metric", "chrf")
    assert shown.code == 2
    assert "twice.jsonl:2: id: '0' is also that of line 1" in shown.err
    assert "broken.jsonl:1" in shown.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("good.jsonl",), "found one system, allowed two or more"),
        (("good.jsonl", "poor.jsonl"), "no metric is named"),
        (("good.txt", "poor.txt", "--metric", "bleu"), "--reference"),
        (("good.jsonl", "nowhere.jsonl", "--metric", "bleu"), "nowhere.jsonl"),
        (("good.jsonl", "poor.jsonl", "--metric", "bleuu"), "did you mean 'bleu'?"),
        (("a.json", "a.json", "--metric", "chrff"), "a.json: unknown metric, axis or key 'chrff'"),
        (("a.json", "good.jsonl", "--metric", "bleu"), "found results (a.json) beside outputs"),
        (
            ("good.txt", "poor.jsonl", "--reference", "reference.txt", "--metric", "bleu"),
            "found poor.jsonl beside --reference",
        ),
        (
            ("good.txt", "short.txt", "--reference", "reference.txt", "--metric", "bleu"),
            "short.txt has 2 lines and reference.txt has 30",
        ),
        (("a.json", "a.json", "--set", "bleu.tokenize=zh"), "--set: goes with outputs"),
        (
            ("good.jsonl", "poor.jsonl", "--metric", "bleu", "--margin", "blue=1"),
            "--margin blue: unknown axis or metric 'blue'; did you mean 'bleu'?",
        ),
        (
            ("good.jsonl", "poor.jsonl", "--metric", "bleu", "--margin", "1"),
            "--margin 1: allowed METRIC=X",
        ),
        (
            ("good.jsonl", "poor.jsonl", "--metric", "bleu", "--margin", "bleu=-1"),
            "--margin bleu=-1: allowed METRIC=X with a number above 0",
        ),
    ],
)
def test_bad_calls_say_what_is_allowed(harness, tmp_path, arguments, said):
    write_results(tmp_path / "a.json", runs("a", seeds=[0], variant="base", num_items=6))
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
