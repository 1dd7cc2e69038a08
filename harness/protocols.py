"""Every seam of the harness on one page: what a part may expect of the part behind the seam.

Shapes: N items of a benchmark, K sufficient statistics of a metric.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

from harness.records import (
    JSON,
    Answer,
    Asked,
    Corpora,
    Decoding,
    Event,
    ExampleSet,
    Generation,
    Message,
    Pair,
    Prediction,
    Role,
    TokenIds,
)

OnEvent: TypeAlias = Callable[[Event], None]
OnProgress: TypeAlias = Callable[[float], None]
"""Is told the share, 0..1, that is done."""
RunStatus: TypeAlias = Literal["FINISHED", "FAILED", "KILLED"]


class Tokenizer(Protocol):
    """Text and chats as a model's token ids, and back."""

    @property
    def vocabulary(self) -> str:
        """Equal for two tokenizers exactly when every token id means the same to both."""

    def encode(self, text: str) -> TokenIds:
        """Token ids of answer text that goes on behind other text, without special tokens."""

    def encode_answer(self, text: str) -> TokenIds:
        """Token ids of the beginning of an answer, right behind ``encode_chat``."""

    def decode(self, token_ids: TokenIds) -> str:
        """The text of generated ids, special tokens left out."""

    def without_end(self, token_ids: TokenIds) -> TokenIds:
        """A finished answer's ids without those that end the turn."""

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat rendered with its generation prompt: the answer comes next."""

    def render_chat(self, messages: Sequence[Message]) -> str:
        """The chat as the text ``encode_chat`` tokenises."""

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat (or none) and the start of a user's turn: the words come next."""

    def encode_start(self) -> TokenIds:
        """What a text begins with where nothing comes before it; one token."""


@runtime_checkable
class Generator(Protocol):
    """A chat model as a source of text: prompts (token ids) in, token ids out, order kept."""

    @property
    def identity(self) -> Mapping[str, JSON]:
        """All that may change what it generates: weights, template, dtype, device, batch rule."""

    @property
    def tokenizer(self) -> Tokenizer:
        """Makes its prompts, and reads its answers."""

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        """One continuation per prompt, in the order of the prompts.

        Equal prompts get equal answers when greedy, answers of their own when sampled.
        """


@runtime_checkable
class ChoiceScorer(Protocol):
    """A ``Generator`` that can also tell how likely given answers are."""

    def loglikelihoods(
        self, rows: Sequence[tuple[TokenIds, TokenIds]]
    ) -> Sequence[tuple[float, bool]]:
        """Per (context, continuation): log-probability, and whether greedy decoding gives it.

        Raises:
            EvaluationError: It wraps a generator that cannot.
        """


@runtime_checkable
class Independent(Protocol):
    """A ``Generator`` none of whose answers depends on the prompts asked beside it.

    Each of its answers is kept on disk as it comes. Other generators round by what shares a batch,
    so theirs are kept by whole chunks of a list (see ``harness.models.generation.chunks``).
    """

    def answer_each(
        self,
        prompts: Sequence[TokenIds],
        decoding: Decoding,
        indices: Sequence[int],
        on_answer: Callable[[int, Generation], None],
    ) -> None:
        """Answers the prompts of some indices; hands over each answer, with its index, as it comes.

        All prompts are given because they tell which copy of a sampled prompt an index is. What
        came before an error was handed over, in the thread that called.
        """


@dataclass(frozen=True, slots=True)
class Sources:
    """What a variant draws its training text from.

    Attributes:
        corpora: The data the configuration names.
        base: The untuned chat model.
        teachers: Other models by the name the variant's settings give them.
        prompt: Turns a pair into the user's translation request.
        seed: Seed of every random choice made here (named streams are derived from it).
    """

    corpora: Corpora
    base: Generator
    prompt: "PromptTemplate"
    seed: int
    teachers: Mapping[str, Generator]


class PromptTemplate(Protocol):
    """The wording of a translation request."""

    def messages(self, source: str, source_lang: str, target_lang: str) -> tuple[Message, ...]:
        """The chat that asks for a translation of ``source``."""


@runtime_checkable
class Penalty(Protocol):
    """A term of the loss that is not a token loss; added once per optimiser step."""

    def value(self, step: int) -> Any:
        """A scalar tensor with gradients, or None when it is off at this step."""


@runtime_checkable
class TokenPenalty(Protocol):
    """A term for every token that carries loss, weighted and normalised as its loss is."""

    @property
    def replaces_loss(self) -> bool:
        """Whether it takes the place of the token losses instead of adding to them."""

    def token_values(self, step: int, passed: Any) -> Any:
        """Values with gradients, [N], or None when it is off at this step.

        ``passed`` is a ``harness.training.passes.Pass``: the targets, their roles, the logits of
        the model in training, and the means to ask for logits once more (with the adapter switched
        off, or behind the prompts a teacher reads).
        """


class Variant(Protocol):
    """A training method: which text, which weights, perhaps one penalty. One file each."""

    @property
    def name(self) -> str:
        """The file name."""

    @property
    def trains(self) -> bool:
        """False for a variant that scores a model without training one."""

    @property
    def weights(self) -> Mapping[Role, float]:
        """Loss weight per role this variant produces; finite, >= 0, not all 0."""

    @property
    def penalty(self) -> Mapping[str, JSON] | None:
        """Kind and settings of its penalty (see ``harness.training.penalties``), or None."""

    @property
    def needs(self) -> Sequence[str]:
        """Fields of ``harness.data.spec.DataSpec`` it cannot do without, beside its task's."""

    @property
    def draws_on(self) -> Sequence[str]:
        """Fields of ``harness.data.spec.DataSpec`` whose text forms the adapter, beside its task's.

        ``needs``, and what it uses where it is given.
        """

    @property
    def teachers(self) -> Mapping[str, Mapping[str, JSON]]:
        """Other models it draws on, by the name ``Sources.teachers`` gives them.

        Each as the settings of a ``harness.models.spec.ModelSpec``, or of a server
        (``harness.models.teachers.ServedSpec``).
        """

    def identity(self) -> Mapping[str, JSON]:
        """What of its settings may change the text."""

    def examples(self, sources: Sources) -> ExampleSet:
        """The training text; same sources, same result."""


@runtime_checkable
class Delaying(Protocol):
    """A ``Variant`` some of whose text joins the training late."""

    @property
    def late(self) -> Mapping[Role, int]:
        """Per role, in how many last steps what goes along with the task in it does so."""


@runtime_checkable
class Renewing(Protocol):
    """A ``Variant`` of on-policy text, or of text that is refreshed."""

    @property
    def renew_every(self) -> int | None:
        """Steps after which ``examples`` is asked again, the model in training being ``base``.

        It is then asked for the pairs of the next so many steps alone. None: the text stays.
        """


@runtime_checkable
class Combining(Protocol):
    """A ``Variant`` whose adapter is made of others."""

    @property
    def parts(self) -> Mapping[str, "Variant | Path"]:
        """The adapters, by name: each as the variant that trains it, or as its folder."""

    @property
    def combination(self) -> Mapping[str, JSON]:
        """How they become one (see ``harness.models.combine``)."""


@runtime_checkable
class Chaining(Protocol):
    """A ``Variant`` that goes on with what others have trained."""

    @property
    def chain(self) -> Sequence[Mapping[str, JSON]]:
        """What is trained before it, each with the adapter of the one before.

        Settings of ``harness.trial.config.ChainedTraining``; a configuration's own chain comes in
        its place.
        """


@runtime_checkable
class OtherTask(Protocol):
    """A ``Variant`` whose task is not translation; it needs no sentence pairs."""

    @property
    def task_corpus(self) -> str:
        """Field of ``harness.data.spec.DataSpec`` it trains on in place of ``train``.

        Not only what is asked there but also what is answered is looked for in benchmarks.
        """


@runtime_checkable
class OwnAnswering(Protocol):
    """A ``Variant`` whose models may have to be asked in a way of their own."""

    @property
    def answering(self) -> Mapping[str, JSON] | None:
        """Kind and settings (see ``harness.models.answering``); None: by generating once."""


@runtime_checkable
class Showing(Protocol):
    """A ``Variant`` that trains nothing and shows training pairs to the untuned model."""

    def shown(
        self, pairs: Sequence[Pair], prompt: "PromptTemplate", seed: int
    ) -> Mapping[str, JSON]:
        """Kind and settings of how its model is asked, with all that is shown in them.

        Args:
            pairs: To draw from.
            prompt: How a pair is worded.
            seed: Of the draw.
        """


class Answering(Protocol):
    """How a model answers the items of benchmarks, a turn of each at a time."""

    def answer(
        self, generator: Generator, asked: Sequence[Asked], decoding: Decoding
    ) -> list[Answer]:
        """One answer each, in order; ``decoding`` limits what is scored of it."""

    def remembered(self, asked: Asked, answer: Answer) -> tuple[Message, Message]:
        """The user's turn and the answer as the chat keeps them when a turn follows."""


@runtime_checkable
class Framing(Protocol):
    """An ``Answering`` that shows something before an item's own turns."""

    def turns(self, asked: Asked) -> tuple[Message, ...]:
        """What is shown; it depends on what kind of item it is, and never on its words.

        Raises:
            DataError: There is nothing for such an item, and there must be.
        """


class LearnedScorer(Protocol):
    """What runs a neural metric (COMET, MetricX); several threads may ask COMET's at once."""

    def version(self) -> str:
        """Package and version, for the signature: ``unbabel-comet 2.2.7``."""

    def score(
        self, model: Path | str, rows: Sequence[Mapping[str, str]], precision: str
    ) -> list[float]:
        """Segment scores of rows ``{"src", "mt", "ref"}``, in order."""

    def num_cut(self, model: Path | str, rows: Sequence[Mapping[str, str]]) -> int:
        """How many of the rows are longer than the model reads."""


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """One judgement wanted.

    Attributes:
        messages: The chat the judge is sent.
        max_tokens: Of the judgement, at most.
        temperature: None leaves it to the server.
        repeat: Which of several judgements of the same, from 0.
        top_logprobs: How many alternatives of its tokens are wanted; None for none.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None
    repeat: int = 0
    top_logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge said.

    Attributes:
        text: All of it.
        model: The model that said it, as its server calls it.
        alternatives: Log-probability of its first token and of others in its place, where given.
    """

    text: str
    model: str
    alternatives: Mapping[str, float] | None = None


class Judge(Protocol):
    """Chat models behind servers, asked for their opinion; what was asked once is remembered."""

    def ask(self, server: Mapping[str, JSON], requests: Sequence[JudgeRequest]) -> list[Judgement]:
        """One judgement per request, in order.

        Args:
            server: Settings of a ``harness.servers.spec.ServerSpec``.
            requests: What is to be judged.

        Raises:
            EvaluationError: A request was not answered; what was answered is kept.
        """


@dataclass(frozen=True, slots=True)
class DataInput:
    """A data set that went into a run; ``context`` says as what (``train``, ``benchmark``)."""

    name: str
    sha256: str
    source: str
    context: str


@dataclass(frozen=True, slots=True)
class KnownRun:
    """A run a tracking store has."""

    run_id: str
    status: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Services:
    """Outside help a metric may need; None where this machine cannot give it."""

    learned: LearnedScorer | None = None
    judge: Judge | None = None
    metricx: LearnedScorer | None = None


class Metric(Protocol):
    """Predictions in, a score out, split so that any resample of items costs no texts.

    ``value = aggregate(sum over items of statistics)``.
    """

    @property
    def name(self) -> str:
        """The file name."""

    @property
    def higher_is_better(self) -> bool: ...

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        """All that may change the value for equal texts: library and version, settings, model."""

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Sufficient statistics, [N][K], one row per prediction, in order."""

    def aggregate(self, totals: Sequence[float]) -> float | None:
        """The value from summed statistics, [K]; None when not defined (nothing to measure)."""

    def classes(self, predictions: Sequence[Prediction]) -> list[str]:
        """A label per item, or an empty list where the metric has no classes."""


@runtime_checkable
class Remarking(Protocol):
    """A ``Metric`` that also says how well it measured; kept with the score."""

    def facts(
        self,
        predictions: Sequence[Prediction],
        statistics: Sequence[Sequence[float]],
        services: Services,
    ) -> Mapping[str, float]:
        """Numbers by name, from the predictions and their statistics, [N][K]; {} for none."""


class TrackedRun(Protocol):
    """One run of a tracking store."""

    @property
    def run_id(self) -> str:
        """The store's id of it."""

    def log_params(self, params: Mapping[str, JSON]) -> None:
        """Flat parameters; immutable once logged."""

    def log_metrics(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Numbers at a step."""

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Text to filter by."""

    def log_inputs(self, inputs: Sequence[DataInput]) -> None:
        """Data sets that went in."""

    def log_file(self, path: Path, folder: str | None = None) -> None:
        """A file, or all in a folder, as an artifact."""

    def log_text(self, text: str, name: str) -> None:
        """A text as an artifact."""

    def log_table(self, rows: Sequence[Mapping[str, JSON]], name: str) -> None:
        """Rows as a table artifact (``name`` ends in .json), in place of an earlier one."""

    def last_step(self, key: str) -> int:
        """The greatest step at which a metric was logged; 0 when it never was."""

    def flush(self) -> None:
        """Sends what is still held back."""

    def renew_lease(self) -> None:
        """Says that whoever owns this run is alive."""

    def finish(self, status: RunStatus) -> None:
        """The terminal status; everything held back is sent."""


class Tracker(Protocol):
    """A tracking store (MLflow)."""

    def start_run(
        self,
        experiment: str,
        name: str,
        *,
        parent: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> TrackedRun:
        """Opens a run under lease."""

    def resume_run(self, run_id: str) -> TrackedRun:
        """Continues a run this store has."""

    def find_runs(self, experiment: str) -> list[KnownRun]:
        """The experiment's runs."""

    def close_orphans(self, experiment: str) -> int:
        """Ends the experiment's open runs whose lease ran out; how many."""
