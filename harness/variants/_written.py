"""Text written by a model, ours or another, as something to train on.

A token id means the same to two models only where they share a vocabulary. Text of a model that
does is trained on as it was generated, token by token; other text is tokenised again.
"""

from collections.abc import Mapping
from typing import Literal

from harness.evaluation.task import Extract
from harness.models.spec import ModelSpec
from harness.protocols import Generator, Sources
from harness.records import JSON, Generation, Role, Segment

TEACHER = "teacher"
"""The name of a variant's one teacher, and of the setting that gives it."""


def teachers_of(teacher: ModelSpec | None) -> Mapping[str, JSON]:
    """What a variant says its teachers are."""
    return {} if teacher is None else {TEACHER: teacher.plain()}


def writer_in(sources: Sources, teacher: ModelSpec | None) -> Generator:
    """Who writes: the teacher, or else the untuned model itself."""
    return sources.base if teacher is None else sources.teachers[TEACHER]


def written(sources: Sources, writer: Generator, role: Role, generation: Generation) -> Segment:
    """All that was generated, as a segment that ends its turn where the writer ended its own."""
    text, token_ids, finished = generation.text, generation.token_ids, generation.finished
    if writer is sources.base:
        return Segment(role, text, token_ids)
    if writer.vocabulary == sources.base.vocabulary:
        # another model may end its turns with another token: ours takes its place
        return Segment(role, text, token_ids[:-1] if finished else token_ids, ends_turn=finished)
    return Segment(role, text, ends_turn=finished)


def translation(
    sources: Sources,
    writer: Generator,
    generation: Generation,
    extract: Literal["all", "first_paragraph"],
) -> Segment | Literal["empty", "unfinished"]:
    """The translation in what was generated, or why there is none."""
    text = Extract(rule=extract).answer(generation.text)
    if not text.strip():
        return "empty"
    if text.strip() != generation.text.strip():
        return Segment(Role.TRANSLATION, text, ends_turn=True)
    if not generation.finished:
        return "unfinished"
    return written(sources, writer, Role.TRANSLATION, generation)
