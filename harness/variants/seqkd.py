"""Sequence-level knowledge distillation: the target is a teacher's translation instead of y.

Kim & Rush 2016, "Sequence-Level Knowledge Distillation", arXiv 1606.07947, section 3.2: plain
cross-entropy on what the teacher says to x. With the untuned model as its own teacher, the default,
it is the control that teaches nothing new: what it loses is lost by training as such.

Deviations and choices:

- The paper approximates the teacher's mode by beam search (5): here greedy decoding.
- Chat models add remarks to a translation. ``extract: first_paragraph`` (as benchmarks read it)
  takes the text before the first blank line; ``all`` trains on everything that was said.
- An empty or unfinished translation is replaced by the reference, and counted.
- Interpolation with the loss on y (section 3.3, selecting from the beam by closeness to y) is left
  out.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from harness.data.segments import pair_messages
from harness.models.teachers import TeacherField
from harness.protocols import Sources
from harness.records import JSON, Decoding, ExampleSet
from harness.variants.shared.method import NO_TEXT, Method
from harness.variants.shared.written import (
    Extraction,
    in_place_of_references,
    teachers_of,
    writer_in,
)


class SeqKd(Method):
    """Trains on a teacher's translations."""

    name: Literal["seqkd"] = "seqkd"

    writes: ClassVar[bool] = True

    teacher: TeacherField | None = Field(None, json_schema_extra=NO_TEXT)
    """The model that translates, in a folder (`{path: FOLDER}`) or behind a server (`{server: {url:
    URL, model: NAME}}`, see `docs/servers.md`); None for the untuned model itself."""

    extract: Extraction = "first_paragraph"
    """What of the teacher's answer is the translation: the text before the first blank line, or
    all of it."""

    max_new_tokens: int = Field(256, ge=1)
    """Tokens of an answer at most."""

    neutral: ClassVar[str] = "no setting: with a teacher that echoes the reference it equals sft"

    @property
    def teachers(self) -> Mapping[str, Mapping[str, JSON]]:
        """The one that translates, unless it is the untuned model."""
        return teachers_of(self.teacher)

    def examples(self, sources: Sources) -> ExampleSet:
        """One example per pair: prompt, then the teacher's translation or, failing that, y."""
        pairs, teacher = sources.corpora.parallel, writer_in(sources, self.teacher)
        prompts = [teacher.tokenizer.encode_chat(pair_messages(sources, pair)) for pair in pairs]
        generations = teacher.generate(prompts, Decoding(self.max_new_tokens))
        return in_place_of_references(sources, teacher, generations, self.extract)


VARIANT = SeqKd
