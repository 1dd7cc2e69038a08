"""One adapter trained: from examples and settings to a folder PEFT reads, with its curves."""

import contextlib
import itertools
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.examples import load_examples
from harness.data.rows import tokenise
from harness.data.segments import pair_example
from harness.errors import ConfigError
from harness.models.adapter_base import save_base
from harness.models.answering_file import save_answering
from harness.models.chat_model import ChatModel
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.lora import adapter_facts, attach, detach, load_weights, save_adapter
from harness.models.memory import memory_faults
from harness.models.vocabulary import add_tokens, learn_tokens
from harness.protocols import OnEvent, Penalty, TokenPenalty
from harness.records import (
    Event,
    Example,
    Pair,
    Role,
    Segment,
    StepEvent,
    TokenRow,
)
from harness.seeds import stream
from harness.settings import plugins
from harness.training.checkpoint import Checkpoints
from harness.training.drift import Drift
from harness.training.loop import Hooks, Renewal, fit
from harness.training.objective import LossTerms
from harness.training.prepare import prepare
from harness.training.team import ALONE, Team
from harness.trial.config import TrialConfig
from harness.trial.curves import CURVES
from harness.trial.resources import Resources
from harness.trial.timeline import Timeline
from harness.variants.shared.method import late_roles, own_answering, renew_every
from harness.variants.shared.replies import own_replies

logger = logging.getLogger(__name__)

ADAPTER = "adapter"
"""In an adapter stage: the folder PEFT reads."""


@dataclass(frozen=True)
class TrainingJob:
    """A training as any process can do it.

    Attributes:
        config: What to train; its chain is not looked at.
        examples: Folder of the variant's examples.
        start: An adapter folder to go on from; None for a fresh adapter.
        store: Folder of the store.
        checkpoints: Where to keep what is half done, and to go on from what is there.
        ordered: Whether the examples stand in the order of the steps.
    """

    config: TrialConfig
    examples: Path
    start: Path | None
    store: Path
    checkpoints: Checkpoints | None = None
    ordered: bool = False


def train_adapter(
    folder: Path,
    job: TrainingJob,
    resources: Resources,
    *,
    chats: Mapping[str, Sequence[TokenRow]] | None = None,
    on_event: OnEvent = lambda event: None,
    team: Team = ALONE,
) -> dict[str, float]:
    """Trains into a folder; returns what there is to say of it.

    Args:
        folder: Gets the adapter and the curves.
        job: What to train.
        resources: Model and data.
        chats: The untuned model's answers that drift is measured on, by skill; None for none.
        on_event: Is told of the points of the curves.
        team: The processes that share the training; each calls this.

    Raises:
        ConfigError, DataError: Something the user can mend.
        TrainingError: Training cannot go on.
    """
    config, variant = job.config, job.config.variant
    limit = config.train.micro_batch_tokens
    examples = load_examples(job.examples)
    base, learnt = with_vocabulary(config, resources)
    tuned = attach(base, config.lora, config.seed)
    try:
        if job.start is not None:
            load_weights(tuned, job.start)
        rows = _Rows(config, tuned)
        with _curves(folder / CURVES, resources.timeline, on_event) as on_point:
            report = fit(
                tuned.model,
                rows.of(examples.examples),
                config.train,
                LossTerms(
                    variant.weights,
                    _penalty(config, tuned, rows.of(examples.probes, "probes")),
                    late_roles(variant),
                ),
                seed=config.seed,
                pad_id=tuned.pad_id,
                validation=rows.of(_held_out(config, resources), "validation"),
                hooks=Hooks(
                    on_point,
                    None if chats is None else Drift(tuned.model, chats, limit, tuned.pad_id),
                    _renewal(config, tuned, resources, rows),
                ),
                checkpoints=job.checkpoints,
                team=team,
                ordered=job.ordered,
            )
        save_adapter(tuned, folder / ADAPTER)
        save_answering(folder / ADAPTER, own_answering(variant))
        save_base(folder / ADAPTER, config.model)
        facts = {**adapter_facts(tuned), **learnt}
    finally:
        detach(tuned)
    return {
        **report.facts(),
        **{f"train/{name}": value for name, value in facts.items()},
        **rows.facts(),
    }


@contextlib.contextmanager
def _curves(path: Path, timeline: Timeline, on_event: OnEvent) -> Iterator[OnEvent]:
    """Writes the points of the curves to a file, and passes them on."""
    with path.open("w", encoding="utf-8") as curves:

        def on_point(event: Event) -> None:
            if isinstance(event, StepEvent):
                record = {"step": event.step, "num_steps": event.num_steps}
                curves.write(json.dumps(record | {"metrics": dict(event.metrics)}) + "\n")
                timeline.progress("adapter")(event.step / event.num_steps)
            on_event(event)

        yield on_point


def with_vocabulary(
    config: TrialConfig, resources: Resources
) -> tuple[ChatModel, Mapping[str, float]]:
    """The base model with the tokens ``lora.vocabulary`` asks for, and what they come to.

    Raises:
        ConfigError: There is no text to learn them from, or no way to add them.
    """
    base, spec = resources.chat_model, config.lora.vocabulary
    if spec is None:
        return base, {}
    texts = [
        one.text for one in resources.corpora.monolingual if spec.language in (None, one.language)
    ]
    if not texts:
        raise ConfigError(
            f"data.monolingual: no text in {spec.language}, and lora.vocabulary learns from it",
            "name a file with such text, or set lora.vocabulary.language",
        )
    new = learn_tokens(base.tokenizer, texts, spec.tokens)
    grown = add_tokens(base, new)
    before, after = (
        sum(len(one.tokenizer.encode(text)) for text in texts) for one in (base, grown)
    )
    return grown, {
        "vocabulary_added": len(new.parts),
        "vocabulary_tokens_saved": 1 - after / before,
    }


class _Rows:
    """Examples as the model reads them; those that are too long are counted, by what they are for.

    Of rows renewed on the way it counts what this process left out: a training that goes on from a
    checkpoint does not know what was left out before it.
    """

    def __init__(self, config: TrialConfig, chat_model: ChatModel) -> None:
        self._chat_model, self._limits = chat_model, chat_model.limits
        positions = self._limits.positions
        self._is_cut = positions is not None and positions < config.train.max_length
        self._max_length = min(config.train.max_length, positions or config.train.max_length)
        self._too_long: Counter[str] = Counter()

    def of(self, examples: Sequence[Example], kind: str = "training") -> tuple[TokenRow, ...]:
        """The rows that fit, in order.

        Raises:
            DataError: There are examples, and not one fits; or one has a token that the model has
                no row for.
        """
        tokenizer = self._chat_model.tokenizer
        if self._chat_model.extension is not None:
            examples = [_with_new_tokens(example, self._chat_model) for example in examples]
        tokenised = tokenise(
            examples,
            tokenizer.encode,
            tokenizer.ending,
            self._max_length,
            tokenizer.encode_first,
            f"{kind} examples",
        )
        for row in tokenised.rows:
            self._limits.check_ids(row.ids, f"{kind} example {row.example_id}")
        self._too_long[kind] += len(tokenised.too_long)
        if tokenised.too_long:
            logger.warning(
                "%d of %d %s examples have more tokens than %s (%d) and are left out (%s%s)",
                len(tokenised.too_long),
                len(examples),
                kind,
                "the model's context" if self._is_cut else "train.max_length",
                self._max_length,
                ", ".join(tokenised.too_long[:3]),
                ", ..." if len(tokenised.too_long) > 3 else "",
            )
        return tokenised.rows

    def facts(self) -> dict[str, int]:
        """``data/too_long`` of the training text, and of the rest ``data/<kind>/too_long``."""
        others = {f"data/{kind}/too_long": n for kind, n in self._too_long.items() if n}
        others.pop("data/training/too_long", None)
        return {"data/too_long": self._too_long["training"], **others}


def _with_new_tokens(example: Example, chat_model: ChatModel) -> Example:
    """With its prompts in the model's new tokens; what a model generated keeps the old ones."""

    def encoded(prompt: Segment) -> Segment:
        return replace(prompt, token_ids=chat_model.tokenizer.encode(prompt.text))

    prompt, *answer = example.segments
    shown = example.teacher_prompt
    return replace(
        example,
        segments=(encoded(prompt), *answer),
        teacher_prompt=None if shown is None else encoded(shown),
    )


def _held_out(config: TrialConfig, resources: Resources) -> list[Example]:
    """Held-out pairs as plain translations, held-out chats with the answers they have.

    The same validation loss for every variant.
    """
    sources = resources.sources(config.variant, config.seed)
    rows = resources.corpora.validation
    answered = [row for row in rows if isinstance(row, Pair) or row.answer is not None]
    if len(answered) < len(rows):
        logger.warning(
            "%d of %d chats of data.validation have no answer and are left out of the loss",
            len(rows) - len(answered),
            len(rows),
        )
    return [
        pair_example(sources, row) if isinstance(row, Pair) else own_replies(sources, [row])[0]
        for row in answered[: config.train.validation_limit]
    ]


def _penalty(
    config: TrialConfig, tuned: ChatModel, probes: Sequence[TokenRow]
) -> Penalty | TokenPenalty | None:
    if config.variant.penalty is None:
        return None
    settings = dict(config.variant.penalty)
    kind = plugins.load("penalty", str(settings.pop("kind")))
    with memory_faults():
        penalty: Penalty | TokenPenalty = kind.model_validate(settings).build(
            tuned.model, prepare(probes, dict.fromkeys(Role, 1.0))
        )
    return penalty


def _renewal(
    config: TrialConfig, tuned: ChatModel, resources: Resources, rows: _Rows
) -> Renewal | None:
    """New rows from the model in training, for variants that ask for them."""
    every = renew_every(config.variant)
    if every is None:
        return None
    generator = HuggingFaceGenerator(tuned, resources.engine.settings.batch_size)

    def renew(step: int) -> Sequence[TokenRow]:
        pairs = upcoming(
            resources.corpora.parallel, config.seed, config.train.batch_size, step, every
        )
        sources = resources.sources(config.variant, config.seed + step, generator, pairs)
        return rows.of(config.variant.examples(sources).examples, "renewed")

    return Renewal(every, renew)


def upcoming(
    pairs: Sequence[Pair], seed: int, batch_size: int, step: int, num_steps: int
) -> tuple[Pair, ...]:
    """The pairs of ``num_steps`` steps from ``step`` on, in an order that uses each once an epoch.

    At most all pairs: a pair that would come twice comes once.
    """
    endless = itertools.chain.from_iterable(
        stream(seed, f"order/renewed/{epoch}").sample(list(pairs), len(pairs))
        for epoch in itertools.count()
    )
    begin = step * batch_size
    chosen = itertools.islice(endless, begin, begin + num_steps * batch_size)
    return tuple({pair.id: pair for pair in chosen}.values())
