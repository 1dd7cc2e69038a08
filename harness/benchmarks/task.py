"""The form of a benchmark's YAML: an lm-eval task plus the harness's own block in its metadata."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, field_validator, model_validator

from harness.benchmarks.source import SourceSpec
from harness.data.extract import Extract
from harness.errors import unknown_name
from harness.languages.tags import LanguageTag
from harness.records import ASKED, JSON, Axis, Split
from harness.settings import plugins
from harness.settings.spec import NestedFaults, Spec, digest, explain

_FIELD = re.compile(r"\{\{-?\s*([A-Za-z_]\w*)")
"""What a template begins to fill in."""

Outcome: TypeAlias = Literal["refused", "complied"]


class Summary(Spec):
    """A benchmark's part in its suite's summary, on a scale of 0 (worst) to 1 (best)."""

    metric: str
    """Which of its metrics counts."""

    worst: float
    """The value that counts 0; greater than `best` where lower is better."""

    best: float
    """The value that counts 1."""

    chance: float | None = None
    """The value guessing reaches, for retention; `worst` when not given."""

    @model_validator(mode="after")
    def _check_scale(self) -> Self:
        if self.worst == self.best:
            raise ValueError("`worst` and `best` must differ")
        return self


class HarnessBlock(Spec):
    """What the harness needs to know beyond lm-eval's task."""

    split: Split
    """`validation`: for choosing settings; `test`: for reporting."""

    language: LanguageTag
    """BCP-47 tag of the language wanted of the answers."""

    metrics: tuple[str, ...] = Field(min_length=1)
    """Metrics it is scored with: file names of harness/metrics. Comparisons count the one of
    `summary`, else the first; the others inform."""

    summary: Summary | None = None
    """Its part in the suite's summary; without it, it has none."""

    extract: Extract = Extract()
    """How the answer is found in the output: `all`, `first_paragraph`, or `rule: regex` with a
    `pattern`."""

    expected: Outcome | None = None
    """In safety suites, what a safe model does with these prompts."""

    axis: Axis | None = None
    """What it tells of: `translation`, `general` or `safety`. When not given, translation where
    its rows have source_lang and target_lang, else general; safety has to be said."""

    twin: str | None = None
    """Of a validation benchmark: the test benchmark of its suite that confirms it. When not given,
    that of the equal name but for its ending, else the suite's only one with the same metric."""

    cluster: str | None = None
    """A field of its rows that items share which are no independent draws (`document`, `entity`):
    intervals and tests then count clusters."""

    data: SourceSpec | None = None
    """For data that are not shipped: which files are needed and how rows are made of them."""

    data_sha256: str | None = Field(None, pattern=r"^[0-9a-f]{64}$")
    """Checksum of the data file; with `data` of one file, which must then be that very file."""

    requires: tuple[str, ...] = ()
    """Settings of metrics ("comet.model") without which these are not measured here."""

    settings: Mapping[str, Mapping[str, JSON]] = Field(default_factory=dict)
    """Settings of metrics it brings along, by metric; the user's own come before them. Files they
    name are looked for as those of `data` are."""

    licence: str = Field(min_length=1)
    """Licence of the data."""

    @field_validator("extract", mode="before")
    @classmethod
    def _name_is_rule(cls, value: JSON) -> JSON:
        return {"rule": value} if isinstance(value, str) else value

    @field_validator("metrics")
    @classmethod
    def _check_metrics(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = plugins.names("metric")
        unknown = [unknown_name("metric", name, known) for name in value if name not in known]
        if unknown:
            raise ValueError("; ".join(unknown))
        if len(set(value)) < len(value):
            raise ValueError("a metric is named twice")
        return value

    @model_validator(mode="after")
    def _check_settings(self) -> Self:
        faults: list[tuple[str, str]] = []
        for name, settings in self.settings.items():
            if name not in self.metrics:
                faults.append((name, f"no metric of this benchmark ({', '.join(self.metrics)})"))
                continue
            kind = plugins.load("metric", name)
            try:
                kind.model_validate(dict(settings))
            except ValidationError as error:
                faults += [(f"{name}.{path}", text) for path, text in explain(error, kind)]
        if faults:
            message = "; ".join(f"settings.{path}: {text}" for path, text in faults)
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _check_data(self) -> Self:
        if self.data is None and self.data_sha256 is None:
            raise ValueError(
                "data_sha256: missing, and it has no default for data that are shipped"
            )
        if self.data is not None and self.data_sha256 and len(self.data.files) != 1:
            raise ValueError("data_sha256: goes with `data` of one file only")
        return self

    @model_validator(mode="after")
    def _check_summary(self) -> Self:
        if self.summary is not None and self.summary.metric not in self.metrics:
            raise ValueError(
                f"summary.metric: found {self.summary.metric!r}, allowed: one of its metrics "
                f"({', '.join(self.metrics)})"
            )
        return self


class Metadata(Spec):
    """The metadata of an lm-eval task."""

    version: float
    """Version of the benchmark; raise it when its data or prompts change."""

    harness: HarnessBlock
    """What the harness needs."""


class DatasetArguments(Spec):
    """Where lm-eval finds the data."""

    data_files: Mapping[str, str] = Field(min_length=1, max_length=1)
    """One split and its JSONL file, relative to the YAML."""


class GenerationArguments(Spec):
    """How answers are generated."""

    until: tuple[str, ...] = ()
    """Stop strings: none; a chat model ends its own turn, and `extract` finds the answer."""

    max_gen_toks: int = Field(ge=1)
    """Tokens after which an answer is cut."""

    do_sample: bool = False
    """Greedy when false."""

    temperature: float = Field(0.0, ge=0.0)
    """For sampling."""

    @field_validator("until")
    @classmethod
    def _no_stop_strings(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if value:
            raise ValueError(
                f"found {list(value)}, allowed: [] (the model ends its own turn; "
                "metadata.harness.extract finds the answer in what it said)"
            )
        return value

    @model_validator(mode="after")
    def _check_sampling(self) -> Self:
        if self.do_sample != (self.temperature > 0):
            raise ValueError(
                "`do_sample: true` goes with a `temperature` above 0, and only with it"
            )
        return self


class TaskFile(Spec):
    """A benchmark's YAML: those settings of an lm-eval task that this harness supports."""

    task: str
    """Its name for lm-eval's own command line."""

    tag: str | tuple[str, ...] | None = None
    """Tags for lm-eval's own command line."""

    dataset_path: Literal["json"] | None = None
    """The data are JSON lines; not given where `metadata.harness.data` says what they are."""

    dataset_kwargs: DatasetArguments | None = None
    """Where they are, if they are shipped."""

    test_split: str = "test"
    """The split named in `dataset_kwargs.data_files`."""

    output_type: Literal["generate_until", "multiple_choice"]
    """Whether the model writes an answer or choices are compared by likelihood."""

    doc_to_text: str = "{{prompt}}"
    """Template of the user's turn; not used for items that have `messages`."""

    doc_to_target: str | int = "{{target}}"
    """Template of the expected answer, or of the index of the right choice."""

    doc_to_choice: str | tuple[str, ...] | None = None
    """The choices, for `multiple_choice`."""

    target_delimiter: str = " "
    """What stands between prompt and choice; not used in chats."""

    generation_kwargs: GenerationArguments | None = None
    """How answers are generated, for `generate_until`."""

    metric_list: tuple[Mapping[str, Any], ...] | None = None
    """For lm-eval's own command line; the harness scores with `metadata.harness.metrics`."""

    num_fewshot: Literal[0] = 0
    """Examples shown before the question."""

    metadata: Metadata
    """Version, and what the harness needs."""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        data = self.metadata.harness.data
        for name, value in (
            ("dataset_path", self.dataset_path),
            ("dataset_kwargs", self.dataset_kwargs),
        ):
            if (value is None) != (data is not None):
                raise ValueError(
                    f"{name}: goes with shipped data, metadata.harness.data with others"
                )
        if self.dataset_kwargs and self.test_split not in self.dataset_kwargs.data_files:
            raise ValueError(
                f"test_split: found {self.test_split!r}, allowed: the split of "
                f"dataset_kwargs.data_files ({', '.join(self.dataset_kwargs.data_files)})"
            )
        if (self.generation_kwargs is None) == (self.output_type == "generate_until"):
            raise ValueError(
                "generation_kwargs goes with `output_type: generate_until`, and only with it"
            )
        if (self.doc_to_choice is None) == (self.output_type == "multiple_choice"):
            raise ValueError(
                "doc_to_choice goes with `output_type: multiple_choice`, and only with it"
            )
        return self

    @model_validator(mode="after")
    def _check_mapping(self) -> Self:
        """Rows made of other people's files have the fields the templates use, or never will."""
        source = self.metadata.harness.data
        fields = () if source is None else ("id", *source.rows, *source.keep)
        faults = [
            (f"metadata.harness.data.rows.{field}", f"missing, and {template} uses it")
            for field, template in self.fields_used().items()
            if source is not None and field not in fields
        ]
        if faults:
            raise NestedFaults(faults)
        return self

    def fields_used(self) -> dict[str, str]:
        """The fields of a row that its templates use, each with the first template to do so."""
        templates = {
            "doc_to_text": self.doc_to_text,
            "doc_to_target": self.doc_to_target,
            "doc_to_choice": self.doc_to_choice,
        }
        used: dict[str, str] = {}
        for name, template in templates.items():
            if isinstance(template, str):
                is_bare = re.fullmatch(r"[A-Za-z_]\w*", template)
                for field in [template] if is_bare else _FIELD.findall(template):
                    used.setdefault(field, name)
        return {field: name for field, name in used.items() if field not in ("id", "prompt")}

    @property
    def data_file(self) -> str | None:
        """The JSONL file, relative to the YAML; None where the data are not shipped."""
        if self.dataset_kwargs is None:
            return None
        return self.dataset_kwargs.data_files[self.test_split]


@dataclass(frozen=True)
class OwnTask:
    """A benchmark's YAML, ready to be asked.

    Attributes:
        file: The YAML.
        configuration: lm-eval's of it, the data file absolute.
    """

    file: TaskFile
    configuration: Mapping[str, JSON] = field(repr=False)

    @property
    def output_type(self) -> Literal["generate_until", "multiple_choice"]:
        """Whether the model writes an answer or choices are compared by likelihood."""
        return self.file.output_type

    @property
    def settings(self) -> HarnessBlock:
        """What the harness needs of it beyond lm-eval's task."""
        return self.file.metadata.harness

    def identity(self) -> dict[str, JSON]:
        """What may change its predictions beside its data."""
        left_out = {"task", "tag", "dataset_kwargs", "metadata", "metric_list"}
        rendered = {k: v for k, v in self.configuration.items() if k not in left_out}
        rows = {} if self.settings.data is None else {"rows": self.settings.data.digest()}
        return {"task": digest(rendered), "extract": self.settings.extract.identity(), **rows}

    def asked(self) -> str:
        """Digest of how it is asked: prompt, right answers and choices, decoding, language."""
        prompted = (
            *("output_type", "doc_to_text", "doc_to_target", "doc_to_choice"),
            *("target_delimiter", "generation_kwargs", "num_fewshot"),
        )
        told = {name: value for name, value in self.file.plain().items() if name in prompted}
        return digest({**told, "language": self.settings.language})

    def signature(self, split: Split) -> list[str]:
        """What scores say of how it is asked, how answers are found and its rows made."""
        extract, source = self.settings.extract, self.settings.data
        parts = [] if extract.rule == "all" else [f"extract:{extract.label}"]
        if extract.pattern is not None:
            parts.append(f"pattern:{extract.pattern}:{extract.pick}")
        if extract.choices is not None:
            parts.append(f"choices:{digest(dict(extract.choices))[:8]}")
        if source is not None:
            parts += [f"split:{split}", "shots:0", f"rows:{source.digest()[:8]}"]
        return [*parts, f"{ASKED}{self.asked()[:8]}"]
