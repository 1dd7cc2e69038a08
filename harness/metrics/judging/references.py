"""Answers that others gave: reference answers for the judge, and a system to compare with."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.errors import DataError
from harness.metrics.judging.conversations import Conversation, conversation_of
from harness.records import JSON, Prediction
from harness.storage.predictions import raise_faults, read_lines, read_predictions

REFERENCES = (
    "fastchat/llm_judge/data/mt_bench/reference_answer/gpt-4.jsonl of "
    "https://github.com/lm-sys/FastChat (Apache-2.0) under fastchat/mt_bench/ in the data folder"
)


def read_references(path: Path) -> dict[str, tuple[str, ...]]:
    """FastChat's reference answers: per question's id what is right at each turn.

    Raises:
        DataError: All faults of the file at once, each with its line.
    """
    faults: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    for line, row in read_lines(path, faults):
        turns = _turns(row)
        if turns is None:
            faults.append(
                f"{path}:{line}: allowed: question_id and choices, of which the first has turns, "
                f"a list of texts (found: {', '.join(row)})"
            )
        else:
            found[str(row["question_id"])] = turns
    raise_faults(str(path), faults)
    return found


def _turns(row: Mapping[str, JSON]) -> tuple[str, ...] | None:
    try:
        turns = row["choices"][0]["turns"]
        texts = [turn + "" for turn in turns]
    except (KeyError, IndexError, TypeError):
        return None
    return tuple(texts) if "question_id" in row and texts else None


def compared_with(path: Path, predictions: Sequence[Prediction]) -> list[Conversation]:
    """The other system's conversation for each prediction, in order.

    Args:
        path: A predictions file, matched by id, or a list of objects with ``instruction`` and
            ``output`` as AlpacaEval's reference outputs are, matched by the instruction.
        predictions: What is compared with it.

    Raises:
        DataError: The file is wrong, or lacks an item.
    """
    if path.suffix == ".json":
        by_instruction = _outputs(path)
        key = "prompt"
        found = {
            row.id: Conversation(row.id, (row.prompt,), (by_instruction[row.prompt.strip()],))
            for row in predictions
            if row.prompt.strip() in by_instruction
        }
    else:
        key = "id"
        wanted = {row.id: row for row in predictions}
        found = {
            row.id: conversation_of(_with_questions(row, wanted[row.id]))
            for row in read_predictions(path)
            if row.id in wanted
        }
    without = [row.id for row in predictions if row.id not in found]
    if without:
        raise DataError(
            f"{path}: has no answer to {len(without)} of {len(predictions)} items, matched by "
            f"{key} (first: {without[0]!r})"
        )
    return [found[row.id] for row in predictions]


def _with_questions(row: Prediction, asked: Prediction) -> Prediction:
    """The other's answers as answers to the same questions: its file need not repeat these."""
    extra = {**row.extra, "turns": asked.extra.get("turns")}
    return Prediction(row.id, asked.prompt, row.output, row.answer, extra=extra)


def _outputs(path: Path) -> dict[str, str]:
    try:
        rows = json.loads(path.read_text(encoding="utf-8-sig"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not JSON: {error}") from None
    if not isinstance(rows, list):
        raise DataError(f"{path}: found {type(rows).__name__}, allowed: a list of objects")
    faults = [
        f"{path}: record {number}: allowed: instruction and output, both texts"
        for number, row in enumerate(rows, start=1)
        if not isinstance(row, dict)
        or not all(isinstance(row.get(name), str) for name in ("instruction", "output"))
    ]
    raise_faults(str(path), faults)
    return {row["instruction"].strip(): row["output"] for row in rows}
