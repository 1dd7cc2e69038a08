"""The frozen values that travel between the floors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias

if TYPE_CHECKING:
    JSON: TypeAlias = bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"] | None
else:  # a field of a Spec takes it as it is: whoever it belongs to checks it
    JSON = Any
TokenIds: TypeAlias = tuple[int, ...]


class Role(StrEnum):
    """What a stretch of an example is for; the objective weighs and counts tokens by role."""

    PROMPT = "prompt"
    TRANSLATION = "translation"
    RATIONALE = "rationale"
    REPLY = "reply"
    """An answer to an instruction."""
    TEXT = "text"
    """Plain text, learnt from its first token on."""
    UNWANTED = "unwanted"
    """An answer to become unlikely: its loss is -log(1 - p), see ``harness.training.objective``."""


class Split(StrEnum):
    """What a benchmark may be used for: choosing (validation) or reporting (test), never both."""

    VALIDATION = "validation"
    TEST = "test"


class Axis(StrEnum):
    """What a benchmark tells of: the task that is trained, or what training is to leave alone."""

    TRANSLATION = "translation"
    GENERAL = "general"
    SAFETY = "safety"


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a benchmark is for.

    Attributes:
        split: What it may be used for.
        axis: What it tells of; None where nobody can tell, as its data are absent.
        primary: The metric that comparisons of it count; None in results that do not say.
    """

    split: Split
    axis: Axis | None
    primary: str | None = None

    @classmethod
    def by_name(cls, suite: str, benchmark: str) -> Self:
        """As names say it, for results of versions that kept nothing else."""
        split = Split.TEST if benchmark.endswith("_test") else Split.VALIDATION
        return cls(split, Axis.TRANSLATION if "translation" in suite else Axis.GENERAL)


@dataclass(frozen=True, slots=True)
class ScoreKey:
    """Which score: ``suite/benchmark/metric`` in files, in MLflow and on the command line.

    A benchmark has one split: the text leaves it out, and two keys are equal without it.
    """

    suite: str
    benchmark: str
    split: Split = field(compare=False)
    metric: str

    def __str__(self) -> str:
        return f"{self.path}/{self.metric}"

    @property
    def path(self) -> str:
        """``suite/benchmark``, under which predictions are filed."""
        return f"{self.suite}/{self.benchmark}"

    @property
    def stem(self) -> str:
        """The benchmark's name without the ending that tells its split, if it has one."""
        return self.benchmark.removesuffix(f"_{self.split}")


@dataclass(frozen=True, slots=True)
class SummaryKey:
    """Which suite's summary: ``suite/summary`` (validation) or ``suite/summary_test``."""

    suite: str
    split: Split

    def __str__(self) -> str:
        return f"{self.suite}/{_SUMMARIES[self.split]}"


_SUMMARIES = {Split.VALIDATION: "summary", Split.TEST: "summary_test"}

Key: TypeAlias = ScoreKey | SummaryKey


def parse_key(text: str, purposes: Mapping[str, Purpose] | None = None) -> Key:
    """The key that a text names.

    Args:
        text: As ``str`` gives it.
        purposes: Of benchmarks, by ``suite/benchmark``; for others their names tell the split.

    Raises:
        ValueError: No such form.

    >>> parse_key("mine/summary_test")
    SummaryKey(suite='mine', split=<Split.TEST: 'test'>)
    """
    match text.split("/"):
        case [suite, name] if name in _SUMMARIES.values():
            return SummaryKey(suite, Split.TEST if name == "summary_test" else Split.VALIDATION)
        case [suite, benchmark, metric]:
            purpose = (purposes or {}).get(f"{suite}/{benchmark}")
            split = (purpose or Purpose.by_name(suite, benchmark)).split
            return ScoreKey(suite, benchmark, split, metric)
    raise ValueError(
        f"found {text!r}, allowed: SUITE/BENCHMARK/METRIC, SUITE/summary or SUITE/summary_test"
    )


def parse_score_key(text: str, purposes: Mapping[str, Purpose] | None = None) -> ScoreKey:
    """As ``parse_key``, where a summary is none of those allowed."""
    key = parse_key(text, purposes)
    if not isinstance(key, ScoreKey):
        raise ValueError(f"found {text!r}, allowed: SUITE/BENCHMARK/METRIC")
    return key


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Pair:
    """One sentence pair; languages are BCP-47 tags."""

    id: str
    source: str
    target: str
    source_lang: str
    target_lang: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """A chat whose last turn waits for an answer; ``answer`` where the corpus has one.

    ``skill`` names what it asks for, where the corpus says it: forgetting is then shown by skill.
    """

    id: str
    messages: tuple[Message, ...]
    answer: str | None = None
    skill: str | None = None


@dataclass(frozen=True, slots=True)
class Text:
    """One monolingual text."""

    id: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class ParallelQuestion:
    """A question and its answer in one language beside the same in another, the pivot.

    ``pivot_answer`` is None where the model is to answer the pivot question itself.
    """

    id: str
    question: str
    answer: str
    language: str
    pivot_question: str
    pivot_language: str
    pivot_answer: str | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of one role.

    ``token_ids`` are set for generated text (and for prompts) and are then used as they are: text
    made by a model is never tokenised again. ``ends_turn`` asks for the end-of-turn token after
    it; generated ids carry that token themselves where the model emitted it.
    """

    role: Role
    text: str
    token_ids: TokenIds | None = None
    ends_turn: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """What one training row is made of: exactly one prompt segment, first, then at least one more.

    ``pair_id`` names the sentence pair it came from. None is for text that goes along with the
    task (general chat, texts): a batch counts the examples of pairs, the others join in proportion.
    ``teacher_prompt`` is the prompt under which a teacher reads the same answer.
    """

    id: str
    segments: tuple[Segment, ...]
    pair_id: str | None = None
    teacher_prompt: Segment | None = None


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An example as the model sees it: T token ids, and the role of each, [T].

    ``task`` is False where it goes along with the task; ``teacher_prompt`` takes the place of the
    prompt's tokens when a teacher reads the row.
    """

    example_id: str
    ids: TokenIds
    roles: tuple[Role, ...]
    task: bool = True
    teacher_prompt: TokenIds | None = None


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """What a variant trains on, and what it has to say about it.

    Attributes:
        examples: In corpus order; the training loop shuffles.
        facts: Counts and rates, logged as ``data/<name>`` (``empty_rate``, ``fallback_fraction``).
        table: Rows to show to a person (a rationale beside its pair), keyed by column name.
        probes: What the variant's penalty measures the untuned model on; never trained on.
    """

    examples: tuple[Example, ...]
    facts: Mapping[str, float] = field(default_factory=dict)
    table: tuple[Mapping[str, JSON], ...] = ()
    probes: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Corpora:
    """The corpora a variant may draw on; empty where the configuration names none.

    ``validation``, pairs or chats, is for the validation loss alone.
    """

    parallel: tuple[Pair, ...]
    validation: tuple[Pair | Instruction, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    monolingual: tuple[Text, ...] = ()
    questions: tuple[ParallelQuestion, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoding:
    """How text is generated: greedy at temperature 0, else sampled from the seeded stream."""

    max_new_tokens: int
    temperature: float = 0.0
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Generation:
    """A continuation; ``finished`` when the model ended its turn (the end token is in the ids).

    ``thoughts`` is what it thought aloud before: in the ids, and not in the text. ``counted`` is
    the number of tokens where the ids are none: a server's word, None where it gives none.
    """

    token_ids: TokenIds
    text: str
    finished: bool
    thoughts: str = ""
    counted: int | None = None

    @property
    def num_tokens(self) -> int:
        """Tokens that were generated, the end of the turn among them."""
        return len(self.token_ids) if self.counted is None else self.counted


@dataclass(frozen=True, slots=True)
class Asked:
    """An item of a benchmark as a model is asked it, up to where an answer begins.

    Attributes:
        messages: The chat; the last turn is the user's.
        language: Wanted of the answer.
        translation: Whether a translation is wanted.
        later: The user's turns after that, each asked once the one before it is answered.
        source_lang: Of what is to be translated, where that is known.
    """

    messages: tuple[Message, ...]
    language: str
    translation: bool = False
    later: tuple[str, ...] = ()
    source_lang: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said to an item, to the last of its turns.

    Attributes:
        generation: All of it.
        text: What of it answers; a benchmark's own rule then finds the answer in that.
        facts: Counts of how it came about, over all turns.
        earlier: What the model said to the turns before.
    """

    generation: Generation
    text: str
    facts: Mapping[str, int] = field(default_factory=dict)
    earlier: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prediction:
    """One benchmark item answered: a line of a predictions file.

    Attributes:
        id: The item's id, unique in its benchmark.
        prompt: The last user turn.
        output: All the model said, without its end token.
        answer: What was extracted from ``output``; equals ``output`` where nothing is extracted.
        language: Language wanted of the output.
        choices: Log-likelihoods of the choices, for multiple choice.
        num_tokens: Tokens generated.
        finished: False when the token limit cut the output.
        extra: Further fields of the benchmark's row (``constraints``, ``target_index``).
    """

    id: str
    prompt: str
    output: str
    answer: str
    source: str | None = None
    references: tuple[str, ...] = ()
    target: str | None = None
    language: str | None = None
    source_lang: str | None = None
    target_lang: str | None = None
    choices: tuple[float, ...] | None = None
    num_tokens: int | None = None
    finished: bool | None = None
    extra: Mapping[str, JSON] = field(default_factory=dict)


ASKED = "asked:"
"""Begins the part of a signature that is a digest of how a benchmark is asked."""


@dataclass(frozen=True, slots=True)
class Score:
    """A metric's value with everything needed to compare it honestly.

    Attributes:
        metric: Name of the metric (its file name).
        value: Over all items; ``Metric.aggregate`` of the summed statistics.
        higher_is_better: Direction.
        signature: Scores of different signatures are never compared.
        ids: Item ids, [N].
        statistics: Sufficient statistics per item, [N][K]; they add up, so any resample of items
            can be scored again without the texts.
        classes: A label per item where the metric sorts items into classes (``refused``), else ().
        facts: What the metric has to say of how it measured (see ``Remarking``).
        settings: Of the metric, as it was made with them: the benchmark's own and the user's.
        judgements: Digest of what a judge said for it; None where none was asked, or nothing kept.
        clusters: Per item what it shares with others (a document, an entity), which are then one
            draw together; () where every item is its own.
    """

    metric: str
    value: float
    higher_is_better: bool
    signature: str
    ids: tuple[str, ...]
    statistics: tuple[tuple[float, ...], ...]
    classes: tuple[str, ...] = ()
    facts: Mapping[str, float] = field(default_factory=dict)
    judgements: str | None = None
    settings: Mapping[str, JSON] = field(default_factory=dict)
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SummaryPart:
    """One benchmark's part in a suite's summary, the mean of ``(value - worst) / (best - worst)``.

    Kept with the result, so that a summary can be resampled without the benchmark files.

    Attributes:
        key: Of the score that counts.
        worst: The value that counts 0; greater than ``best`` where lower is better.
        best: The value that counts 1.
        chance: The value guessing reaches, for retention; None where ``worst`` is it.
    """

    key: ScoreKey
    worst: float
    best: float
    chance: float | None = None

    def scaled(self, value: float) -> float:
        """The value on the common scale, clipped to 0..1."""
        return min(1.0, max(0.0, (value - self.worst) / (self.best - self.worst)))


@dataclass(frozen=True, slots=True)
class TrialResult:
    """One configuration trained and scored with one seed.

    Attributes:
        name: The configuration's name.
        fingerprint: Of the whole configuration, its seed among it.
        config: The configuration as plain data (``TrialConfig.model_validate`` reads it back).
        variant: Name of the method.
        seed: The run's seed.
        scores: By key.
        unmeasured: Reason per key that could not be scored; such a key is never in ``scores``.
        summaries: On the common 0..1 scale; absent where a benchmark of the suite is unmeasured.
        facts: ``data/*``, ``train/*``, ``cost/*``, and those of scores as
            ``<metric>/<fact>/<suite>/<benchmark>``: plain numbers.
        stages: Key of every stage in the store, by name (``predictions/<suite>/<benchmark>``).
        tags: Provenance: base model hash, device kind, library versions.
        seconds: What making each stage took, in this run or an earlier one.
        summary_parts: Per key of ``summaries``, what it is the mean of.
        purposes: Of its benchmarks, by ``suite/benchmark``.
    """

    name: str
    fingerprint: str
    config: Mapping[str, JSON]
    variant: str
    seed: int
    scores: Mapping[ScoreKey, Score]
    unmeasured: Mapping[Key, str]
    summaries: Mapping[SummaryKey, float]
    facts: Mapping[str, float]
    stages: Mapping[str, str]
    tags: Mapping[str, str]
    seconds: Mapping[str, float]
    summary_parts: Mapping[SummaryKey, tuple[SummaryPart, ...]] = field(default_factory=dict)
    purposes: Mapping[str, Purpose] = field(default_factory=dict)

    def value_of(self, key: Key) -> float | None:
        """What it has at a key; None where that was not measured."""
        if isinstance(key, SummaryKey):
            return self.summaries.get(key)
        return self.scores[key].value if key in self.scores else None

    def purpose_of(self, benchmark: str) -> Purpose:
        """What a benchmark is for (``suite/benchmark``); by its name where nothing else is kept."""
        return self.purposes.get(benchmark) or Purpose.by_name(*benchmark.split("/"))

    def axis_of(self, key: Key) -> Axis | None:
        """The axis of a score's benchmark or of a suite; None for a suite with several."""
        if isinstance(key, ScoreKey):
            return self.purpose_of(key.path).axis
        paths = {score.path for score in self.scores if score.suite == key.suite}
        axes = {self.purpose_of(path).axis for path in paths} - {None}
        return axes.pop() if len(axes) == 1 else None

    def is_primary(self, key: Key) -> bool:
        """Whether comparisons count it: a summary, or the metric its benchmark's YAML puts first.

        For results of versions that did not keep it, the metric of the summary or the first there.
        """
        if isinstance(key, SummaryKey):
            return True
        primary = self.purpose_of(key.path).primary
        if primary is None:
            parts = (part.key for parts in self.summary_parts.values() for part in parts)
            of_benchmark = (score for score in (*parts, *self.scores) if score.path == key.path)
            primary = next((score.metric for score in of_benchmark), None)
        return key.metric == primary


def mean_value(runs: Sequence[TrialResult], key: Key) -> float | None:
    """Mean of a key over runs; None unless every run has it."""
    values = [value for run in runs if (value := run.value_of(key)) is not None]
    return fmean(values) if values and len(values) == len(runs) else None


@dataclass(frozen=True, slots=True)
class StageEvent:
    """A stage of a run began, went on or ended; ``fraction`` is 0..1, None when unknown.

    ``note`` is a sentence for people, where there is something to say.
    """

    stage: str
    state: Literal["started", "progress", "done", "reused"]
    fraction: float | None = None
    seconds: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepEvent:
    """One optimiser step: training metrics keyed ``train/...`` (``train/loss/rationale``)."""

    step: int
    num_steps: int
    metrics: Mapping[str, float]


Event: TypeAlias = StageEvent | StepEvent


@dataclass(frozen=True, slots=True)
class SweepTrial:
    """One configuration of a sweep with all its runs.

    Attributes:
        number: Optuna's number of it.
        state: ``failed`` trials carry ``reason``.
        params: The searched settings, by dotted path.
        results: One per seed of the sweep; validation benchmarks.
        values: Objectives in the order of the sweep, means over the seeds; None unless complete.
        violations: Per constraint (its text) by how much it is broken; <= 0 is kept.
        confirmed: One per confirmation seed, test benchmarks; () unless a member of the front.
        run_id: Of its run in the tracking store.
    """

    number: int
    state: Literal["complete", "failed", "running", "waiting"]
    params: Mapping[str, JSON]
    results: tuple[TrialResult, ...] = ()
    values: tuple[float, ...] | None = None
    violations: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    confirmed: tuple[TrialResult, ...] = ()
    run_id: str | None = None

    @property
    def feasible(self) -> bool:
        """Whether every constraint is kept."""
        return all(violation <= 0 for violation in self.violations.values())


@dataclass(frozen=True, slots=True)
class Objective:
    """What a sweep optimises: a score or a suite's summary."""

    key: Key
    maximize: bool
    reference: float
    """Worst value that still counts for the hypervolume."""
    scale: float
    """One unit of it, so that the objectives of a hypervolume are comparable."""
    test: Key | None = None
    """What confirms it on test benchmarks."""

    def merit(self, value: float) -> float:
        """How good a value of it is: more is better, whatever its direction."""
        return value if self.maximize else -value


@dataclass(frozen=True, slots=True)
class SweepRecord:
    """A whole sweep as the report and the gate read it.

    Attributes:
        spec: The SweepSpec as plain data.
        base: The untuned model's scores, both splits.
        front: Numbers of the feasible, non-dominated trials.
        run_id: Of the sweep's parent run in the tracking store.
        margins: Differences too small to matter, declared before the sweep ran: by axis of its
            summaries, by name of a metric in its units; {} where nothing is known of any.
    """

    name: str
    question: str
    spec: Mapping[str, JSON]
    objectives: tuple[Objective, ...]
    trials: tuple[SweepTrial, ...]
    base: TrialResult | None
    front: tuple[int, ...]
    run_id: str | None = None
    margins: Mapping[str, float] = field(default_factory=dict)
