"""Prompts of our own wording in the published forms, and judges that follow a rule."""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.metrics.judging.client import JudgeClient
from harness.protocols import Services
from harness.records import Prediction
from tests.servers.loopback import Asked, Loopback, said, serving

RATE = "How good is it? Say [[number]]."
SINGLE = "<q>{question}</q><a>{answer}</a>"
SINGLE_TWO = "<q>{question_1}</q><old>{answer_1}</old><q>{question_2}</q><a>{answer_2}</a>"
PAIR = "<q>{question}</q><a>{answer_a}</a><b>{answer_b}</b>"
PAIR_TWO = (
    "<q>{question_1}{question_2}</q><old>{answer_a_1}</old><a>{answer_a_2}</a>"
    "<old>{answer_b_1}</old><b>{answer_b_2}</b>"
)
RIGHT = "<right>{ref_answer_1}</right>"
RIGHT_TWO = "<right>{ref_answer_1}</right><right>{ref_answer_2}</right>"
TEMPLATES = {
    "single-v1": (SINGLE, "[[rating]]"),
    "single-v1-multi-turn": (SINGLE_TWO, "[[rating]]"),
    "single-math-v1": (RIGHT + SINGLE, "[[rating]]"),
    "single-math-v1-multi-turn": (RIGHT_TWO + SINGLE_TWO, "[[rating]]"),
    "pair-v2": (PAIR, "[[A]]"),
    "pair-v2-multi-turn": (PAIR_TWO, "[[A]]"),
    "pair-math-v1": (RIGHT + PAIR, "[[A]]"),
    "pair-math-v1-multi-turn": (RIGHT_TWO + PAIR_TWO, "[[A]]"),
    "pair-old": (PAIR, "[[rating_a,rating_b]]"),
}
ALPACA = (
    "<|im_start|>system\nYou compare.\n<|im_end|>\n<|im_start|>user\n"
    '{ "q": """{instruction}""" } <a>{output_1}</a><b>{output_2}</b> m or M?\n<|im_end|>'
)


def write_lines(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


@pytest.fixture
def prompts(tmp_path: Path) -> str:
    """A file of prompts in FastChat's form."""
    rows: list[dict[str, object]] = [
        {"name": name, "system_prompt": RATE, "prompt_template": text, "output_format": form}
        for name, (text, form) in TEMPLATES.items()
    ]
    return write_lines(tmp_path / "judge_prompts.jsonl", rows)


@pytest.fixture
def alpaca_prompt(tmp_path: Path) -> str:
    """A prompt in AlpacaEval's form."""
    (tmp_path / "clf.txt").write_text(ALPACA, encoding="utf-8")
    return str(tmp_path / "clf.txt")


@pytest.fixture
def references(tmp_path: Path) -> str:
    """The right answers to the item "sum", in FastChat's form."""
    row = {"question_id": "sum", "choices": [{"index": 0, "turns": ["4", "5"]}]}
    return write_lines(tmp_path / "references.jsonl", [row])


def shown(asked: Asked) -> dict[str, str]:
    """What stands between the marks of our prompts: q, a, b, right; the last of each."""
    text = asked.body["messages"][-1]["content"]
    return dict(re.findall(r"<(\w+)>(.*?)</\1>", text, flags=re.DOTALL))


Rule = Callable[[Asked], str]


class Bench:
    """A judge behind a real server, and what was asked of it."""

    def __init__(self, loopback: Loopback, folder: Path) -> None:
        self.loopback, self.folder = loopback, folder
        self.server = loopback.spec().plain()

    @property
    def services(self) -> Services:
        return Services(judge=JudgeClient(self.folder))

    @property
    def num_asked(self) -> int:
        return len(self.loopback.asked)


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[Callable[[Rule], Bench]]:
    """Starts a judge that says what a rule makes of each request."""
    with contextlib.ExitStack() as stack:

        def start(rule: Rule) -> Bench:
            served = stack.enter_context(serving(lambda asked: said(rule(asked))))
            return Bench(served, tmp_path / "judgements")

        yield start


def prediction(name: str, *answers: str, category: str | None = None) -> Prediction:
    """An item with a question and an answer a turn."""
    questions = [f"question {turn} of {name}" for turn, _ in enumerate(answers, start=1)]
    extra: dict[str, object] = {"turns": questions, "earlier": list(answers[:-1])}
    if category is not None:
        extra["category"] = category
    return Prediction(name, questions[-1], answers[-1], answers[-1], extra=extra)
