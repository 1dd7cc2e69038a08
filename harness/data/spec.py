"""Which texts a trial may train on, and the wording of a translation request."""

import re
import string
from typing import Literal

from pydantic import Field, field_validator, model_validator

from harness.spec import LocalPath, Spec

PROMPT_FIELDS = ("source", "source_lang", "target_lang")
LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
"""The shape of a BCP-47 tag: en, pt-BR, zh-Hant."""


class CorpusSpec(Spec):
    """One file of text, or for aligned plain text two."""

    path: LocalPath
    """The file; of aligned plain text the source side."""

    target_path: LocalPath | None = None
    """The target side of aligned plain text, line by line beside `path`."""

    format: Literal["auto", "jsonl", "tsv", "aligned"] = "auto"
    """`auto` goes by `target_path` and the file's ending (.jsonl or .tsv)."""

    source_lang: str | None = None
    """Language of the sources (of the texts, if monolingual) where the file does not say it."""

    target_lang: str | None = None
    """Language of the targets where the file does not say it."""

    directions: tuple[str, ...] | None = None
    """Keep only these language pairs, for example [en-de]; None keeps all."""

    limit: int | None = Field(default=None, ge=1)
    """Keep only this many rows, drawn by chance, in the order of the file."""

    seed: int = 0
    """Seed of that draw; not the trial's, so that all seeds of a trial see the same rows."""

    @field_validator("source_lang", "target_lang")
    @classmethod
    def _language(cls, value: str | None) -> str | None:
        if value is not None and not LANGUAGE_TAG.fullmatch(value):
            raise ValueError(f"found {value!r}, allowed a language tag such as en or pt-BR")
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "CorpusSpec":
        if self.format == "aligned" and self.target_path is None:
            raise ValueError("format 'aligned' needs target_path, the file of the targets")
        if self.target_path is not None and self.format not in ("auto", "aligned"):
            raise ValueError(f"target_path is for format 'aligned', found format {self.format!r}")
        return self


class DataSpec(Spec):
    """The corpora of a trial, and how a translation is asked for."""

    train: CorpusSpec
    """Parallel text to train on."""

    validation: CorpusSpec | None = None
    """Parallel text for the validation loss; never trained on."""

    instructions: CorpusSpec | None = None
    """General chats (JSONL with id and messages; answer and skill where known), for variants that
    replay them or have the untuned model answer them."""

    monolingual: CorpusSpec | None = None
    """Text of one language a row (JSONL with id, text and language), for variants that draw on
    it."""

    questions: CorpusSpec | None = None
    """Questions with answers in a language to be learnt, beside the same in a pivot language the
    model knows (JSONL: id, question, answer, language, pivot_question, pivot_language; pivot_answer
    where known), for `transllm`."""

    prompt: str = "Translate from {source_lang} to {target_lang}: {source}"
    """The user's request; {source_lang} and {target_lang} become names such as German."""

    system: str | None = None
    """System turn before the request; None for none."""

    @field_validator("prompt")
    @classmethod
    def _fields(cls, value: str) -> str:
        allowed = "allowed {source} (once at least), {source_lang} and {target_lang}"
        try:
            parsed = list(string.Formatter().parse(value))
        except ValueError as error:
            raise ValueError(f"found {value!r} ({error}), {allowed}") from None
        names = {name for _, name, _, _ in parsed if name is not None}
        plain = all(not form and not conversion for _, _, form, conversion in parsed)
        if not plain or not names <= set(PROMPT_FIELDS) or "source" not in names:
            raise ValueError(f"found {value!r}, {allowed}")
        return value
