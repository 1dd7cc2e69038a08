"""Text written by a model, ours or another, as something to train on.

A token id means the same to two models only where they share a vocabulary. Text of a model that
does is trained on as it was generated, token by token; other text is tokenised again.
"""

from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Literal, TypeAlias

from harness.data.extract import Extract
from harness.data.segments import pair_example, pair_prompt
from harness.models.teachers import Teacher
from harness.protocols import Generator, Sources
from harness.records import JSON, Example, ExampleSet, Generation, Pair, Role, Segment
from harness.variants.shared.replies import fallbacks

Extraction: TypeAlias = Literal["first_paragraph", "all"]
"""What of an answer is the translation: the text before the first blank line, or all of it."""

TEACHER = "teacher"
"""The name of a variant's one teacher, and of the setting that gives it."""


def template_of(*fields: str) -> Callable[[str], str]:
    """A check that a setting is a text with all of these fields in braces, and no other."""

    def check(value: str) -> str:
        try:
            named = {name for _, name, _, _ in Formatter().parse(value) if name is not None}
        except ValueError as error:
            named = {str(error)}
        if named != set(fields):
            allowed = " and ".join(f"{{{field}}}" for field in fields)
            raise ValueError(f"found {value!r}, allowed a text with {allowed}")
        return value

    return check


def teachers_of(teacher: Teacher | None) -> Mapping[str, Mapping[str, JSON]]:
    """What a variant says its teachers are."""
    return {} if teacher is None else {TEACHER: teacher.plain()}


def writer_in(sources: Sources, teacher: Teacher | None) -> Generator:
    """Who writes: the teacher, or else the untuned model itself."""
    return sources.base if teacher is None else sources.teachers[TEACHER]


def written(sources: Sources, writer: Generator, role: Role, generation: Generation) -> Segment:
    """All that was generated, as a segment that ends its turn where the writer ended its own."""
    text, token_ids, finished = generation.text, generation.token_ids, generation.finished
    if writer is sources.base:
        return Segment(role, text, token_ids)
    if writer.tokenizer.vocabulary == sources.base.tokenizer.vocabulary:
        # another model may end its turns with another token: ours takes its place
        said = writer.tokenizer.without_end(token_ids) if finished else token_ids
        return Segment(role, text, said, ends_turn=finished)
    return Segment(role, text, ends_turn=finished)


def in_place_of_references(
    sources: Sources,
    writer: Generator,
    generations: Sequence[Generation],
    extract: Extraction,
    fault: Callable[[str, Pair], str | None] | None = None,
    reasons: Sequence[str] = (),
) -> ExampleSet:
    """One example per pair: prompt, then the translation that was written.

    The reference takes its place where it is empty or unfinished or has another fault, and that is
    counted by reason.

    Args:
        sources: Pairs and prompts.
        writer: Who wrote.
        generations: What it wrote, one per pair.
        extract: What of that is the translation.
        fault: The reason against a translation of a pair, or None.
        reasons: All that ``fault`` may say.
    """
    pairs = sources.corpora.parallel
    examples: list[Example] = []
    table: list[Mapping[str, JSON]] = []
    missed = dict.fromkeys(("empty", "unfinished", *reasons), 0)
    for pair, generation in zip(pairs, generations, strict=True):
        outcome: Segment | str = _translation(sources, writer, generation, extract)
        if fault is not None and isinstance(outcome, Segment):
            outcome = fault(outcome.text, pair) or outcome
        if isinstance(outcome, Segment):
            reason = None
            examples.append(Example(pair.id, (pair_prompt(sources, pair), outcome), pair.id))
        else:
            reason = outcome
            missed[reason] += 1
            examples.append(pair_example(sources, pair))
        table.append(
            {
                "id": pair.id,
                "source": pair.source,
                "reference": pair.target,
                "answer": generation.text,
                "kept": reason is None,
                "reason": reason,
            }
        )
    return ExampleSet(tuple(examples), fallbacks(missed, len(pairs)), tuple(table))


def _translation(
    sources: Sources, writer: Generator, generation: Generation, extract: Extraction
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
