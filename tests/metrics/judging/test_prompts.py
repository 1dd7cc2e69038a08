import json
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.metrics.judging.prompts import read_prompts
from harness.records import Message
from tests.metrics.judging.conftest import RATE, write_lines
from tests.outside import DATA, outside

PUBLISHED = DATA / "fastchat/judge_prompts.jsonl"


def test_a_prompt_is_filled_in_one_pass_so_braces_of_an_answer_stay(prompts):
    prompt = read_prompts(Path(prompts)).prompt("single-v1", "rating")
    filled = prompt.filled({"question": "{answer} {x}", "answer": "{question} {0}"})
    assert filled == (
        Message("system", RATE),
        Message("user", "<q>{answer} {x}</q><a>{question} {0}</a>"),
    )


def test_a_prompt_of_alpaca_eval_is_a_chat_whose_other_braces_are_text(alpaca_prompt):
    file = read_prompts(Path(alpaca_prompt))
    filled = file.prompt("clf", "m_or_M").filled(
        {"instruction": "Why?", "output_1": "So.", "output_2": "No."}
    )
    assert filled[0] == Message("system", "You compare.")
    assert filled[1].content.startswith('{ "q": """Why?""" } <a>So.</a><b>No.</b>')


def test_the_checksum_is_that_of_the_file_as_it_is_now(prompts):
    path = Path(prompts)
    before = read_prompts(path).sha256
    path.write_text(path.read_text().replace("How good", "How very good"))
    assert read_prompts(path).sha256 != before


def test_a_missing_prompt_and_one_of_another_form_are_named(prompts):
    file = read_prompts(Path(prompts))
    with pytest.raises(DataError, match=r"no prompt 'pair-v3' in it \(found: single-v1, "):
        file.prompt("pair-v3", "letters")
    with pytest.raises(DataError, match="pair-v2: asks for letters, allowed here: rating"):
        file.prompt("pair-v2", "rating")


def test_all_faults_of_a_file_of_prompts_are_told_with_their_lines(tmp_path):
    row = {"name": "a", "system_prompt": "", "prompt_template": "{q}", "output_format": "[[A]]"}
    path = write_lines(tmp_path / "p.jsonl", [row, {**row, "name": 3}])
    with pytest.raises(DataError) as caught:
        read_prompts(Path(path))
    assert f"{path}:1: prompt_template: found {{q}}, allowed: answer, answer_1, " in str(
        caught.value
    )
    assert f"{path}:2: name: found 3, allowed: text" in str(caught.value)


@pytest.mark.parametrize("text", ["no turns at all", "<|im_start|>assistant\nx<|im_end|>"])
def test_a_text_that_is_no_chat_of_system_and_user_is_refused(tmp_path, text):
    (tmp_path / "p.txt").write_text(text)
    with pytest.raises(DataError, match="allowed: of system and user"):
        read_prompts(tmp_path / "p.txt")


@outside("fastchat")
def test_the_published_prompts_are_read_and_filled_as_python_would_fill_them():
    file = read_prompts(PUBLISHED)
    assert sorted(file.prompts) == sorted(
        f"{kind}{turns}"
        for kind in ("single-v1", "single-math-v1", "pair-v2", "pair-math-v1")
        for turns in ("", "-multi-turn")
    )
    fields = {name: f"<{name}>" for name in _PLACES}
    for line in PUBLISHED.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        system, user = file.prompts[row["name"]].filled(fields)
        assert system.content == row["system_prompt"]
        assert user.content == row["prompt_template"].format(**fields)


_PLACES = [
    *("question", "answer", "answer_a", "answer_b", "question_1", "question_2", "answer_1"),
    *("answer_2", "answer_a_1", "answer_a_2", "answer_b_1", "answer_b_2", "ref_answer_1"),
    "ref_answer_2",
]
