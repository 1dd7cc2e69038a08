"""Answers that others gave: reference answers for the judge, and a system to compare with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.data.readers import rows_as_they_stand
from harness.data.spec import CorpusSpec
from harness.errors import DataError
from harness.metrics.judging.conversations import Conversation, conversation_of
from harness.records import Prediction
from harness.storage.predictions import read_predictions
from harness.storage.reading import Reading, read_objects

REFERENCES = (
    "fastchat/llm_judge/data/mt_bench/reference_answer/gpt-4.jsonl of "
    "https://github.com/lm-sys/FastChat (Apache-2.0) under fastchat/mt_bench/ in the data folder"
)


def read_references(path: Path) -> dict[str, tuple[str, ...]]:
    """FastChat's reference answers: per question's id what is right at each turn.

    Raises:
        DataError: All faults of the file at once, each with its line.
    """
    reading = Reading(path)
    references: dict[str, tuple[str, ...]] = {}
    for line, row in read_objects(path, reading):
        turns = _turns(row)
        if turns is None:
            reading.fault(
                line,
                "allowed: question_id and choices, of which the first has turns, a list of texts "
                f"(found: {', '.join(row)})",
            )
        else:
            references[str(row["question_id"])] = turns
    reading.raise_faults()
    return references


def _turns(row: Mapping[str, Any]) -> tuple[str, ...] | None:
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
        others = {
            row.id: Conversation(row.id, (row.prompt,), (by_instruction[row.prompt.strip()],))
            for row in predictions
            if row.prompt.strip() in by_instruction
        }
    else:
        key = "id"
        ours = {row.id: row for row in predictions}
        others = {
            row.id: conversation_of(_with_questions(row, ours[row.id]))
            for row in read_predictions(path)
            if row.id in ours
        }
    without = [row.id for row in predictions if row.id not in others]
    if without:
        raise DataError(
            f"{path}: has no answer to {len(without)} of {len(predictions)} items, matched by "
            f"{key} (first: {without[0]!r})"
        )
    return [others[row.id] for row in predictions]


def _with_questions(row: Prediction, asked: Prediction) -> Prediction:
    """The other's answers as answers to the same questions: its file need not repeat these."""
    extra = {**row.extra, "turns": asked.extra.get("turns")}
    return Prediction(row.id, asked.prompt, row.output, row.answer, extra=extra)


def _outputs(path: Path) -> dict[str, str]:
    reading = Reading(path)
    outputs: dict[str, str] = {}
    for row in rows_as_they_stand(CorpusSpec(path=str(path), format="json"), None, reading):
        instruction, output = (row.data.get(name) for name in ("instruction", "output"))
        if isinstance(instruction, str) and isinstance(output, str):
            outputs[instruction.strip()] = output
        else:
            reading.fault(row.line, "allowed: instruction and output, both texts")
    reading.raise_faults()
    return outputs
