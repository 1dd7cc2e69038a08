import json

import pytest

from tests.cli import toy
from tests.outside import DATA, outside
from tests.servers.loopback import said, serving


@pytest.fixture(autouse=True)
def predictions(tmp_path):
    toy.make_predictions(tmp_path)


def test_each_score_has_its_items_and_its_signature(harness):
    shown = harness("score", "predictions.jsonl", "--metric", "exact_match", "chrf", "--json")
    assert shown.code == 0, shown.err
    scores = {score["metric"]: score for score in shown.document["scores"]}
    assert list(scores) == ["exact_match", "chrf"]
    assert scores["exact_match"] == {
        "metric": "exact_match",
        "value": 0.8,
        "low": None,  # of five items there is no interval
        "high": None,
        "items": 5,
        "signature": scores["exact_match"]["signature"],
    }
    assert "version:2." in scores["chrf"]["signature"]


def test_the_table_shows_the_same(harness):
    shown = harness("score", "predictions.jsonl", "--metric", "exact_match", "--metric", "bleu")
    assert shown.code == 0
    assert "0.800" in shown.out
    assert "tok:13a" in shown.out.replace("\n", "").replace(" ", "")


def test_each_score_has_the_interval_of_other_items(harness, tmp_path):
    rows = [{"id": str(n), "output": "a", "target": "a" if n < 40 else "b"} for n in range(100)]
    (tmp_path / "hundred.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = ("score", "hundred.jsonl", "--metric", "exact_match", "empty")
    exact, empty = harness(*command, "--json").document["scores"]
    # t(99) at .975 is 1.98422, the standard error sqrt(.24 / 99)
    half = 1.98422 * (0.24 / 99) ** 0.5
    assert (exact["low"], exact["high"]) == pytest.approx((0.4 - half, 0.4 + half), abs=1e-5)
    assert (empty["low"], empty["high"]) == (None, None)  # all alike
    assert "0.302 0.498" in " ".join(harness(*command).out.split())


def test_metrics_may_stand_before_the_file(harness):
    shown = harness("score", "--metric", "empty", "exact_match", "predictions.jsonl", "--json")
    assert [score["metric"] for score in shown.document["scores"]] == ["empty", "exact_match"]


def test_items_get_their_value_or_their_class(harness, tmp_path):
    harness(
        "score", "predictions.jsonl", "--metric", "refusal", "chrf", "--items", "new/items.jsonl"
    )
    rows = [json.loads(line) for line in (tmp_path / "new/items.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == list(toy.WORDS)
    assert rows[0]["chrf"] == pytest.approx(100)
    assert rows[-1]["chrf"] < 50
    assert {row["refusal"] for row in rows} <= {"refused", "complied", "undetermined"}


def test_plain_text_outputs_score_as_the_same_in_json_lines(harness, tmp_path):
    outputs, references = ["我喜欢猫", "我有一只狗"], ["我喜欢狗", "我有一只狗"]
    rows = [
        {"id": str(number), "output": output, "references": [reference], "target_lang": "zh"}
        for number, (output, reference) in enumerate(zip(outputs, references, strict=True))
    ]
    (tmp_path / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "out.zh").write_text("\n".join(outputs) + "\n")
    (tmp_path / "ref.zh").write_text("\n".join(references) + "\n")
    metrics = ("--metric", "bleu", "chrf", "off_target", "--json")
    beside = ("--reference", "ref.zh", "--target-lang", "zh")
    plain = harness("score", "out.zh", *beside, *metrics)
    assert plain.code == 0, plain.err
    assert plain.document == harness("score", "rows.jsonl", *metrics).document
    alone = harness("score", "out.zh", "--source", "ref.zh", "--metric", "bleu")
    assert alone.code == 2
    assert "bleu needs references or target" in alone.err
    unsaid = harness("score", "out.zh", "--metric", "empty")
    assert "out.zh:1: not valid JSON" in unsaid.err
    assert "hint: plain text, an output a line, is read with --reference TEXT" in unsaid.err


def test_a_setting_of_a_metric_is_in_its_signature(harness):
    with_case, without = (
        harness("score", "predictions.jsonl", "--metric", "bleu", "--json", *more).document
        for more in ((), ("--set", "bleu.lowercase=true"))
    )
    assert with_case["scores"][0]["signature"] != without["scores"][0]["signature"]


def test_a_row_is_in_the_language_given_when_it_does_not_say_it(harness, tmp_path):
    row = {"id": "1", "output": "我喜欢猫", "references": ["我喜欢猫"]}
    (tmp_path / "zh.jsonl").write_text(json.dumps(row))
    shown = harness("score", "zh.jsonl", "--metric", "bleu", "--target-lang", "zh", "--json")
    assert "tok:zh" in shown.document["scores"][0]["signature"]


@pytest.mark.parametrize("tag", ["cmn", "zho_Hans", "zh_CN"])
def test_a_language_is_known_by_any_of_its_tags(harness, tmp_path, tag):
    row = {"id": "1", "output": "我喜欢猫", "references": ["我喜欢猫"]}
    (tmp_path / "zh.jsonl").write_text(json.dumps(row))
    scores = ("score", "zh.jsonl", "--metric", "bleu", "--json")
    shown = harness(*scores, "--target-lang", tag)
    assert "tok:zh" in shown.document["scores"][0]["signature"]
    (tmp_path / "zh.jsonl").write_text(json.dumps(row | {"target_lang": tag}))
    assert harness(*scores).document == shown.document


def test_what_is_no_tag_is_refused_with_the_one_that_may_be_meant(harness):
    shown = harness("score", "predictions.jsonl", "--metric", "bleu", "--target-lang", "Chinese")
    assert shown.code == 2
    assert "--target-lang: found 'Chinese', allowed a language tag" in shown.err
    assert "zh is Chinese" in shown.err


def test_without_an_interpreter_for_comet_it_exits_with_2(harness):
    shown = harness(
        "score", "predictions.jsonl", "--metric", "comet", "--comet-python", "no-such-python"
    )
    assert shown.code == 2
    assert "no-such-python: no such program" in shown.err
    assert "make setup" in shown.err


def test_a_judge_is_asked_once_and_what_it_said_is_to_be_read(harness, tmp_path):
    template = "{question} {answer}"
    prompt = {"name": "single-v1", "system_prompt": "Rate.", "prompt_template": template}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(prompt | {"output_format": "[[rating]]"}))
    with serving(lambda asked: said("So so. [[4]]")) as judge:
        command = (
            "score", "predictions.jsonl", "--metric", "judge_grade", "--home", "home", "--json",
            "--set", f"judge_grade.server.url={judge.url}", "--set", "judge_grade.server.model=m",
            "--set", "judge_grade.prompts=prompts.jsonl", "--judgements", "said.jsonl",
        )  # fmt: skip
        shown = harness(*command)
        assert shown.code == 0, shown.err
        assert "asking the judge m for 10 judgements" in shown.err
        again = harness(*command)
        assert again.document == shown.document
        assert "asking the judge" not in again.err
        assert len(judge.asked) == 10
        table = harness(*(part for part in command if part != "--json")).out
    (score,) = shown.document["scores"]
    assert score["value"] == 4.0
    assert score["facts"] == {
        "turn_1": 4.0, "unrated": 0.0, "sd_between_repeats": 0.0, "sd_within_items": 0.0,
    }  # fmt: skip
    assert "judge_grade: turn_1 4, unrated 0, sd_between_repeats 0" in table
    rows = [json.loads(line) for line in (tmp_path / "said.jsonl").read_text().splitlines()]
    assert len(rows) == 10
    assert {row["judgement"] for row in rows} == {"So so. [[4]]"}


def test_a_fault_of_the_judges_server_is_told_by_its_path(harness):
    shown = harness(
        "score", "predictions.jsonl", "--metric", "judge_grade",
        "--set", "judge_grade.server.url=ftp://here",
    )  # fmt: skip
    assert shown.code == 2
    assert "metric judge_grade: server.url: found 'ftp://here', allowed http://" in shown.err
    assert "metric judge_grade: server.model: missing" in shown.err


def test_without_a_judge_or_its_prompts_the_command_says_what_to_do(harness):
    command = ("score", "predictions.jsonl", "--metric", "judge_grade")
    shown = harness(*command)
    assert shown.code == 2
    assert "judge_grade.prompts: no such file: fastchat/judge_prompts.jsonl" in shown.err
    assert "hint: get fastchat/llm_judge/data/judge_prompts.jsonl of https://" in shown.err


@outside("sacrebleu")
def test_the_command_reproduces_the_test_cases_of_sacrebleu(harness, tmp_path):
    cases = json.loads((DATA / "sacrebleu/metric_cases.json").read_text(encoding="utf-8"))
    equal = 0
    for case in cases:
        written = [
            {"id": str(number), "output": answer, "references": texts}
            for number, (answer, *texts) in enumerate(zip(case["hyps"], *case["refs"], strict=True))
        ]
        (tmp_path / "case.jsonl").write_text("".join(json.dumps(row) + "\n" for row in written))
        settings = [f"{case['metric']}.{key}={value}" for key, value in case["kwargs"].items()]
        options = [part for setting in settings for part in ("--set", setting)]
        shown = harness("score", "case.jsonl", "--metric", case["metric"], *options, "--json")
        assert shown.code == 0, (case, shown.err)
        (one,) = shown.document["scores"]
        equal += one["value"] == pytest.approx(case["expected"], abs=case["tol"])
    assert equal == 38
