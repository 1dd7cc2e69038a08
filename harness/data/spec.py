"""Which texts a trial may train on, and the wording of a translation request."""

import string

from pydantic import Field, field_validator, model_validator

from harness.errors import unknown_name
from harness.languages.tags import LanguageTag
from harness.settings.plugins import load, names
from harness.settings.spec import LocalPath, Spec

PROMPT_FIELDS = ("source", "source_lang", "target_lang")


def _is_unset(value: object) -> bool:
    # left out where it is not given: what was read before there was such a setting is found again
    return value is None


def _is_zero(value: object) -> bool:
    return value == 0


class ChecksSpec(Spec):
    """How many rows of a corpus may be faulty: shares, 0 to 1.

    Up to its share faulty rows are left out and counted; more of them stop the run. Without a share
    (None) such rows are not looked for and stay. All but the first four are for parallel text.
    """

    max_undecodable: float = Field(default=0.0, ge=0, le=1)
    """Lines that are not UTF-8; at 0 each is an error of its own, as an empty side is."""

    max_empty: float = Field(default=0.0, ge=0, le=1)
    """Rows with an empty side, or one of white space and invisible characters."""

    max_malformed: float = Field(default=0.0, ge=0, le=1, exclude_if=_is_zero)
    """Rows whose structure is wrong: of another number of columns, no JSON, without a field or a
    language, with an id twice."""

    max_unpaired: float | None = Field(default=None, ge=0, le=1, exclude_if=_is_unset)
    """Rows without one of the languages: of a `translation`, units of TMX, segments of WMT's
    files without a reference; None counts them as malformed."""

    max_garbled: float | None = Field(default=None, ge=0, le=1)
    """Rows that were once read in a wrong encoding: replacement characters, or marks such as those
    of UTF-8 read as Latin-1; and rows with control characters."""

    max_markup: float | None = Field(default=None, ge=0, le=1, exclude_if=_is_unset)
    """Rows with tags or entities of HTML: `<b>`, `&amp;`."""

    max_duplicates: float | None = Field(default=None, ge=0, le=1)
    """Pairs that an earlier row has."""

    max_copied: float | None = Field(default=None, ge=0, le=1)
    """Targets that are their source, letter by letter."""

    max_long: float | None = Field(default=None, ge=0, le=1)
    """Rows with a side of more than `longest` characters."""

    longest: int = Field(default=2000, ge=1)
    """Characters of a side that is not over-long."""

    max_lopsided: float | None = Field(default=None, ge=0, le=1)
    """Rows with a side more than `ratio` times as long as the other, as rows out of step have."""

    ratio: float = Field(default=3.0, gt=1)
    """That ratio, in characters; one of Chinese, Japanese or Korean counts as several."""

    max_wrong_language: float | None = Field(default=None, ge=0, le=1)
    """Rows with a side clearly in another language than the row says (lingua, offline)."""

    def limit(self, kind: str) -> float | None:
        """The share allowed of a kind of fault, ``max_<kind>``."""
        share: float | None = getattr(self, f"max_{kind}")
        return share


def _is_default(value: object) -> bool:
    return value is None or value == ChecksSpec()


class CorpusSpec(Spec):
    """One file of text, or two side by side."""

    path: LocalPath
    """The file (.gz, .xz and .bz2 too) or Hugging Face datasets folder; where there are two files
    the source side."""

    target_path: LocalPath | None = None
    """The target side: of aligned plain text, line by line beside `path`, or an SGM reference."""

    format: str = "auto"
    """One of those that `harness data --help` lists; `auto` goes by `target_path` and the file's
    ending."""

    columns: tuple[str, str] | None = Field(default=None, exclude_if=_is_default)
    """Fields or columns of source and target where they are not called so; in a file without a
    header their numbers, from 1."""

    header: bool | None = Field(default=None, exclude_if=_is_default)
    """Whether a TSV or CSV file begins with the names of its columns; None: if it has known
    ones, such as source and target."""

    split: str | None = Field(default=None, exclude_if=_is_default)
    """Of a Hugging Face folder with several; None is its only one, or train."""

    checks: ChecksSpec = Field(default=ChecksSpec(), exclude_if=_is_default)
    """How many of its rows may be faulty."""

    reference: str | None = Field(default=None, exclude_if=_is_default)
    """Of WMT's XML with several translators: which one; None is the one of most segments."""

    configuration: str | None = Field(default=None, exclude_if=_is_default)
    """Of a Hugging Face folder with several, such as pairs of languages: which one."""

    source_lang: LanguageTag | None = None
    """Language of the sources (of the texts, if monolingual) where the file does not say it."""

    target_lang: LanguageTag | None = None
    """Language of the targets where the file does not say it."""

    directions: tuple[str, ...] | None = None
    """Keep only these language pairs, for example [en-de]; None keeps all."""

    limit: int | None = Field(default=None, ge=1)
    """Keep only this many rows, drawn by chance, in the order of the file."""

    seed: int = 0
    """Seed of that draw; not the trial's, so that all seeds of a trial see the same rows."""

    @field_validator("columns", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        if isinstance(value, list | tuple):
            return tuple(str(one) if type(one) is int else one for one in value)
        return value

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        if value != "auto" and value not in names("format"):
            raise ValueError(unknown_name("format", value, ("auto", *names("format"))))
        return value

    @model_validator(mode="after")
    def _fits_together(self) -> "CorpusSpec":
        if self.format == "auto":
            return self
        if takes_two(self.format) and self.target_path is None:
            raise ValueError(f"format {self.format!r} needs target_path, the file of the targets")
        if self.target_path is not None and not takes_two(self.format):
            two = " and ".join(repr(name) for name in names("format") if takes_two(name))
            raise ValueError(f"target_path is for format {two}, found format {self.format!r}")
        return self


def takes_two(name: str) -> bool:
    """Whether a format keeps the targets in a file of their own."""
    takes: bool = load("format", name).two_files
    return takes


class DataSpec(Spec):
    """The corpora of a trial, and how a translation is asked for."""

    train: CorpusSpec | None = None
    """Parallel text to train on; every variant but `chat` and `base` needs it."""

    validation: CorpusSpec | None = None
    """Parallel text for the validation loss, or chats as in `instructions`; never trained on."""

    instructions: CorpusSpec | None = None
    """General chats (rows with messages; answer and skill where known; or with instruction, input
    and output), for `chat`, and for variants that replay them or have the untuned model answer
    them."""

    monolingual: CorpusSpec | None = None
    """Text of one language a row (with text and language), for variants that draw on it."""

    questions: CorpusSpec | None = None
    """Questions with answers in a language to be learnt, beside the same in a pivot language the
    model knows (rows with question, answer, language, pivot_question, pivot_language; pivot_answer
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
