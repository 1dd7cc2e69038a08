"""The published prompts of judges, read from the user's own copy: none of their wording is here.

Two forms are known. FastChat's ``judge_prompts.jsonl`` (MT-Bench; Zheng et al., NeurIPS 2023, arXiv
2306.05685) has an object a line: ``name``, ``system_prompt``, ``prompt_template``,
``output_format``. AlpacaEval's are text files of one prompt, its turns between ``<|im_start|>`` and
``<|im_end|>``, whose verdict is the letter m or M (Dubois et al., 2024, arXiv 2404.04475).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias, cast

from harness.errors import DataError
from harness.records import JSON, Message
from harness.storage.hashes import content_sha256
from harness.storage.reading import Reading, read_lines, read_objects

Form: TypeAlias = Literal["rating", "letters", "m_or_M"]

FORMS: Mapping[str, Form] = {"[[rating]]": "rating", "[[A]]": "letters"}
"""FastChat's names of the forms a verdict has; its pairs of ratings are of no published use."""

FASTCHAT = (
    "fastchat/llm_judge/data/judge_prompts.jsonl of https://github.com/lm-sys/FastChat "
    "(Apache-2.0) as fastchat/judge_prompts.jsonl in the data folder"
)
ALPACA_EVAL = (
    "src/alpaca_eval/evaluators_configs/alpaca_eval_clf_gpt4_turbo/alpaca_eval_clf.txt of "
    "https://github.com/tatsu-lab/alpaca_eval (Apache-2.0) as alpaca_eval/alpaca_eval_clf.txt in "
    "the data folder"
)

_PLACE = re.compile(r"\{([a-z]+(?:_[a-z0-9]+)*)\}")
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.DOTALL)
_TEXTS = ("name", "system_prompt", "prompt_template", "output_format")
_KNOWN = frozenset(
    [
        *("question", "answer", "answer_a", "answer_b", "instruction", "output_1", "output_2"),
        *(f"{name}_{turn}" for name in ("question", "answer", "ref_answer") for turn in (1, 2)),
        *(f"answer_{side}_{turn}" for side in "ab" for turn in (1, 2)),
    ]
)


@dataclass(frozen=True, slots=True)
class JudgePrompt:
    """One prompt: the turns to fill in, and the form of the verdict it asks for."""

    name: str
    turns: tuple[Message, ...]
    form: Form

    def filled(self, fields: Mapping[str, str]) -> tuple[Message, ...]:
        """The chat a judge is sent; what stands in the fields is left as it is, braces too.

        Raises:
            KeyError: The prompt has a place for which there is no field.
        """
        return tuple(
            Message(turn.role, _PLACE.sub(lambda place: fields[place[1]], turn.content))
            for turn in self.turns
        )


@dataclass(frozen=True, slots=True)
class PromptFile:
    """The prompts of a file by name, with the beginning of its checksum."""

    path: Path
    sha256: str
    prompts: Mapping[str, JudgePrompt]

    def prompt(self, name: str, form: Form) -> JudgePrompt:
        """A prompt of a form.

        Raises:
            DataError: There is none of that name, or it asks for another verdict.
        """
        prompt = self.prompts.get(name)
        if prompt is None:
            listed = ", ".join(self.prompts)
            raise DataError(f"{self.path}: no prompt {name!r} in it (found: {listed})")
        if prompt.form != form:
            raise DataError(f"{self.path}: {name}: asks for {prompt.form}, allowed here: {form}")
        return prompt


def read_prompts(path: Path) -> PromptFile:
    """The prompts of a file in either form.

    Raises:
        DataError: All its faults at once, each with its line.
    """
    return _read(path, content_sha256(path))


@lru_cache(maxsize=8)
def _read(path: Path, sha256: str) -> PromptFile:
    """Read once for as long as the file stays the same: every score asks for it."""
    prompts = _of_fastchat(path) if path.suffix in {".jsonl", ".json"} else [_of_alpaca_eval(path)]
    return PromptFile(path, sha256[:12], {prompt.name: prompt for prompt in prompts})


def _of_fastchat(path: Path) -> list[JudgePrompt]:
    reading = Reading(path)
    prompts: list[JudgePrompt] = []
    for line, row in read_objects(path, reading):
        faults = list(_faults_of(row))
        for fault in faults:
            reading.fault(line, fault)
        if faults or row["output_format"] not in FORMS:
            continue
        turns = (Message("system", row["system_prompt"]), Message("user", row["prompt_template"]))
        prompts.append(JudgePrompt(row["name"], turns, FORMS[row["output_format"]]))
    reading.raise_faults()
    if not prompts:
        raise DataError(f"{path}: no prompt in it that asks for {' or '.join(FORMS)}")
    return prompts


def _faults_of(row: Mapping[str, JSON]) -> Iterable[str]:
    for name in _TEXTS:
        if not isinstance(row.get(name), str):
            yield f"{name}: found {row.get(name)!r}, allowed: text"
    if isinstance(template := row.get("prompt_template"), str):
        yield from _strange_places("prompt_template", template)


def _strange_places(where: str, template: str) -> list[str]:
    strange = [name for name in _PLACE.findall(template) if name not in _KNOWN]
    return [f"{where}: found {{{name}}}, allowed: {', '.join(sorted(_KNOWN))}" for name in strange]


def _of_alpaca_eval(path: Path) -> JudgePrompt:
    reading = Reading(path)
    text = "\n".join(read_lines(path, reading))
    turns = [(role, content.strip()) for role, content in _TURN.findall(text)]
    for fault in (fault for _, content in turns for fault in _strange_places("prompt", content)):
        reading.fault(None, fault)
    if not turns or turns[-1][0] != "user" or {role for role, _ in turns} - {"system", "user"}:
        reading.fault(
            None,
            f"found turns of {', '.join(role for role, _ in turns) or 'nobody'}, allowed: of "
            "system and user, each between <|im_start|>ROLE and <|im_end|>, the user's last",
        )
    reading.raise_faults()
    chat = tuple(Message(cast(Literal["system", "user"], role), content) for role, content in turns)
    return JudgePrompt(path.stem, chat, "m_or_M")
