"""The only door to lm-eval: benchmarks and a generator in, predictions out.

lm-eval renders every item of every benchmark; the generator answers all of them in one pass, so
that its batches are full. lm-eval's ``evaluate`` is called, which ``simple_evaluate`` wraps: the
wrapper seeds the global random streams and asks the operating system for the environment (3.5 s of
CPU a call), and this harness records both by itself. lm-eval's own metrics are bypassed and its
response cache is not used (its key does not know which model answered).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import jinja2
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.evaluator import evaluate
from lm_eval.tasks import TaskManager

import harness.benchmarks.lm_patches  # noqa: F401  # before anything of lm-eval runs
from harness.benchmarks.lm_file import LmTask
from harness.benchmarks.read import Benchmark
from harness.benchmarks.task import OwnTask
from harness.errors import DataError, EvaluationError
from harness.evaluation.lm_answers import (
    asked_of_lm_eval,
    check_asked,
    cut,
    decoding_of,
    foreign_predictions,
    prepared,
)
from harness.evaluation.shown import (
    ShownTokens,
    answering_by,
    answering_identity,
    asked_of_row,
)
from harness.models.generation.chunks import CHOICE_RULE, ChunkRule
from harness.models.generation.journaled import NO_CHOICES, JournaledGenerator, narrowed
from harness.models.limits import Limits
from harness.models.turns import answer_turns, framed
from harness.protocols import Answering, ChoiceScorer, Framing, Generator, OnEvent
from harness.records import (
    JSON,
    Answer,
    Asked,
    Decoding,
    Message,
    Prediction,
    StageEvent,
)
from harness.storage.predictions import write_predictions
from harness.storage.store import Built, Stage, Store

STAGE = "predictions"
VERSION = 1
FILE = "predictions.jsonl"

_BYPASS = {"metric": "bypass", "aggregation": "bypass", "higher_is_better": True}
_PLAIN = {"kind": "plain"}

SHOWN = "shown_tokens"
"""In a prediction, and in a ``predictions`` stage: tokens of examples shown before the item."""


class Rows(list[Mapping[str, JSON]]):
    """The items of a benchmark as lm-eval expects a data set: rows that know their columns.

    In memory, as checked: through Hugging Face's reader they would be cached on disk, and fields
    that only some rows have would come back as None.
    """

    @property
    def features(self) -> dict[str, None]:
        """The columns of the first row, by name."""
        return dict.fromkeys(self[0])


class GeneratorLM(LM):  # type: ignore[misc]  # lm-eval is untyped here
    """A generator as lm-eval's model.

    The "context" lm-eval carries is the chat as JSON, so that the generator itself turns messages
    into token ids, once, the way training does. Items with ``messages`` or ``turns`` use those
    instead.
    """

    def __init__(
        self,
        generator: Generator,
        answering: Answering,
        languages: Mapping[str, str],
        on_fraction: Callable[[float], None],
        limits: Limits | None = None,
    ) -> None:
        super().__init__()
        self.answers: dict[tuple[str, int], Answer] = {}  # by task and item; none of choices
        self.tasks: Mapping[str, Any] = {}  # all that is asked, for what has to be known before
        self._shown: ShownTokens | None = None
        self._limits = limits
        self._generator, self._answering = generator, answering
        self._languages = languages
        self._on_fraction = on_fraction

    @property
    def tokenizer_name(self) -> str:
        """For lm-eval's request cache, which is not used."""
        return "harness"

    def apply_chat_template(
        self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The chat as JSON."""
        return json.dumps(chat_history, ensure_ascii=False)

    def generate_until(self, requests: list[Instance]) -> list[str]:
        """Answers all requests, those of equal decoding together."""
        self._look_at_what_is_shown()
        by_decoding: dict[Decoding, list[int]] = {}
        for index, request in enumerate(requests):
            decoding = self._decoding(request)
            by_decoding.setdefault(decoding, []).append(index)
        asked = [self._asked(request) for request in requests]
        texts = [""] * len(requests)
        done = 0
        for decoding, indices in by_decoding.items():
            together = [asked[index] for index in indices]
            with narrowed(self._generator, done / len(asked), (done + len(indices)) / len(asked)):
                answers = answer_turns(self._answering, self._generator, together, decoding)
            for index, answer in zip(indices, answers, strict=True):
                request = requests[index]
                texts[index] = answer.generation.text
                if self._is_foreign(request):
                    texts[index] = cut(texts[index], request.args[1])
                self.answers[request.task_name, request.doc_id] = answer
            done += len(indices)
            self._on_fraction(done / len(requests))
        return texts

    def loglikelihood(self, requests: list[Instance]) -> list[tuple[float, bool]]:
        """Scores every choice as the answer to its chat."""
        if not isinstance(self._generator, ChoiceScorer):
            raise EvaluationError(NO_CHOICES)
        self._look_at_what_is_shown()
        tokenizer = self._generator.tokenizer
        encode_chat, encode = tokenizer.encode_chat, tokenizer.encode_answer
        pairs = [
            (encode_chat(self._chat(self._asked(request))), encode(request.args[1]))
            for request in requests
        ]
        return [
            (float(total), bool(greedy)) for total, greedy in self._generator.loglikelihoods(pairs)
        ]

    def loglikelihood_rolling(self, requests: list[Instance]) -> list[float]:
        """Not asked for by any benchmark this harness accepts."""
        raise EvaluationError("perplexity benchmarks are not supported")

    def shown_to(self, task: str, item: int) -> int:
        """Tokens shown before an item, over all its turns and choices."""
        return 0 if self._shown is None else self._shown.counts[task, item]

    def _look_at_what_is_shown(self) -> None:
        """Once, when all requests are there and nothing is answered: what is shown has to fit."""
        if self._shown is not None or not isinstance(self._answering, Framing):
            return
        tokenizer = self._generator.tokenizer
        self._shown = ShownTokens(tokenizer, self._answering, self._limits)
        for request in (request for task in self.tasks.values() for request in task.instances):
            if request.request_type == "generate_until":
                num_answer = self._decoding(request).max_new_tokens
            else:
                num_answer = len(tokenizer.encode_answer(request.args[1]))
            name = str(request.doc_id if self._is_foreign(request) else request.doc["id"])
            item = (request.task_name, request.doc_id)
            self._shown.add(item, name, self._asked(request), num_answer)
        self._shown.raise_faults()

    def _chat(self, asked: Asked) -> tuple[Message, ...]:
        """The chat in which choices are compared."""
        if not isinstance(self._answering, Framing):
            return asked.messages
        return framed(asked, self._answering.turns(asked))

    def _decoding(self, request: Instance) -> Decoding:
        """As the benchmark says, at the item's own temperature where it has one."""
        decoding = decoding_of(request.args[1])
        own = None if self._is_foreign(request) else request.doc.get("temperature")
        return decoding if own is None else replace(decoding, temperature=float(own))

    def _is_foreign(self, request: Instance) -> bool:
        """Whether it is of one of lm-eval's own tasks, whose rows and stop strings are its own."""
        return request.task_name not in self._languages

    def _asked(self, request: Instance) -> Asked:
        if self._is_foreign(request):
            return asked_of_lm_eval(request.args[0])
        row = request.doc
        first, *later = row.get("turns") or (None,)
        chat = row.get("messages") or json.loads(request.args[0])
        if first is not None:
            chat = [{"role": "user", "content": first}]
        messages = tuple(Message(turn["role"], turn["content"]) for turn in chat)
        return asked_of_row(row, self._languages[request.task_name], messages, tuple(later))


def predict(
    benchmarks: Sequence[Benchmark],
    generator: Generator,
    *,
    answering: Mapping[str, JSON] | None = None,
    on_event: OnEvent | None = None,
    limits: Limits | None = None,
) -> dict[str, list[Prediction]]:
    """The generator's predictions for all items of all benchmarks, by the benchmark's key.

    Args:
        benchmarks: What to predict.
        generator: Who answers.
        answering: How: kind and settings (see ``harness.models.answering``); None for plainly.
        on_event: Told how far it is.
        limits: What the model can read, where that is to hold for what is shown to it.

    Raises:
        DataError: A template of a benchmark cannot be rendered, or an item has no room for what is
            shown before it; nothing was generated.
        EvaluationError: The generator cannot do what a benchmark needs.
    """

    def on_fraction(fraction: float) -> None:
        if on_event is not None:
            on_event(StageEvent(STAGE, "progress", fraction))

    foreign = {one.key: one for one in benchmarks if isinstance(one.task, LmTask)}
    languages = {one.key: one.language for one in benchmarks if one.key not in foreign}
    asked_by = answering_by(answering or _PLAIN)
    model = GeneratorLM(generator, asked_by, languages, on_fraction, limits)
    manager = TaskManager(include_defaults=False)
    tasks: dict[str, Any] = {}
    for benchmark in benchmarks:
        if isinstance(benchmark.task, LmTask):
            tasks[benchmark.key] = prepared(benchmark.task)
            continue
        try:
            tasks |= manager.load([_configuration(benchmark, benchmark.task)])["tasks"]
        except (jinja2.TemplateError, ValueError, SyntaxError) as error:
            raise DataError(f"{benchmark.path}: a template cannot be rendered: {error}") from None
    model.tasks = tasks
    num_items = {one.limit for one in foreign.values()}  # equal for all: a specification has one
    results = evaluate(
        lm=model,
        task_dict={"tasks": tasks, "groups": {}},
        limit=num_items.pop() if num_items else None,
        bootstrap_iters=0,
        log_samples=True,
        apply_chat_template=True,
    )
    for one in benchmarks:
        if isinstance(one.task, LmTask):
            check_asked(one.task)
    samples = results["samples"]
    return {one.key: _predictions(one, samples[one.key], model) for one in benchmarks}


def _predictions(
    benchmark: Benchmark,
    samples: Sequence[Mapping[str, Any]],
    model: GeneratorLM,
) -> list[Prediction]:
    task = benchmark.task
    if isinstance(task, LmTask):
        predictions = foreign_predictions(benchmark, task, samples, model.answers)
        items = [(task.task.task_name, int(row.id)) for row in predictions]
    else:
        items = [(benchmark.key, sample["doc_id"]) for sample in samples]
        predictions = [
            _prediction(benchmark, task, sample, model.answers.get(item))
            for sample, item in zip(samples, items, strict=True)
        ]
    return [
        replace(row, extra={**row.extra, SHOWN: shown}) if (shown := model.shown_to(*item)) else row
        for row, item in zip(predictions, items, strict=True)
    ]


def _configuration(benchmark: Benchmark, task: OwnTask) -> dict[str, Any]:
    """lm-eval's configuration of a benchmark, its rows in memory, its metrics bypassed."""
    rows = Rows(benchmark.items)
    split = task.file.test_split
    ignored = {"tag", "dataset_path", "dataset_kwargs", "metadata", "metric_list"}
    return {
        **{key: value for key, value in task.configuration.items() if key not in ignored},
        "task": benchmark.key,
        "test_split": split,
        "custom_dataset": lambda **_: {split: rows},
        "metric_list": [dict(_BYPASS)],
        "num_fewshot": 0,
    }


def _prediction(
    benchmark: Benchmark, task: OwnTask, sample: Mapping[str, Any], said: Answer | None
) -> Prediction:
    row = sample["doc"]
    asked = benchmark.unanswered(row)
    target = sample["target"]
    extra = dict(asked.extra)
    choices: tuple[float, ...] | None = None
    if task.output_type == "multiple_choice":
        texts = [continuation for _, continuation in sample["arguments"]]
        choices = tuple(total for total, _ in sample["filtered_resps"])
        output = answer = texts[max(range(len(texts)), key=choices.__getitem__)]
        index = texts.index(target) if isinstance(target, str) else int(target)
        extra |= {"choice_texts": texts, "target_index": index}
        target = texts[index]
    else:
        output = sample["filtered_resps"][0]
        text = output if said is None else said.text
        answer = task.settings.extract.answer(text, asked.source)
    if said is not None:
        extra |= {**said.facts, **({"earlier": list(said.earlier)} if said.earlier else {})}
        extra |= {"thoughts": said.generation.thoughts} if said.generation.thoughts else {}
    return replace(
        asked,
        output=output,
        answer=answer,
        target=row["target"] if "target" in row else str(target) or None,
        choices=choices,
        num_tokens=None if said is None else len(said.generation.token_ids),
        finished=None if said is None else said.generation.finished,
        extra=extra,
    )


def stage_of(benchmark: Benchmark, identity: Mapping[str, JSON]) -> Stage:
    """The ``predictions`` stage of a benchmark for a model."""
    # once every choice was read with its question; who rounds otherwise is another
    rounds = benchmark.task.output_type == "multiple_choice" and "batch_rule" in identity
    chosen: dict[str, JSON] = {"choices": CHOICE_RULE} if rounds else {}
    return Stage(
        STAGE, VERSION, {"benchmark": benchmark.identity(), "model": dict(identity), **chosen}
    )


def predict_stored(
    benchmarks: Sequence[Benchmark],
    identity: Mapping[str, JSON],
    store: Store,
    generator_factory: Callable[[], Generator],
    on_event: OnEvent | None = None,
    answering: Mapping[str, JSON] | None = None,
    rule: ChunkRule | None = None,
    limits: Limits | None = None,
) -> dict[str, Built]:
    """The ``predictions`` stage of every benchmark, by the benchmark's key.

    Answers are kept as they come, for the pass over all benchmarks that are missing: one that was
    killed goes on behind the last chunk (see ``harness.models.generation.journaled``). Which
    benchmarks share a pass, and so whether a list is long enough for chunks, is not in their
    identity: it changes the company of a row, and with it rounding, as it always did.

    Args:
        benchmarks: What to predict.
        identity: Of model, adapter, chat template, dtype, device kind and batch rule: all that may
            change the answers beside the benchmark.
        store: Where predictions are kept.
        generator_factory: Called only when a prediction is missing.
        on_event: Told how far it is.
        answering: As for ``predict``; part of the identity where it may change the answers.
        rule: How long the chunks of a long list are.
        limits: As for ``predict``.
    """
    stages = {
        benchmark.key: stage_of(benchmark, {**identity, **answering_identity(answering, benchmark)})
        for benchmark in benchmarks
    }
    identity = {**identity, **({} if answering is None else {"answering": dict(answering)})}
    named = {benchmark.key: benchmark for benchmark in benchmarks}
    # benchmarks of equal content are one stage
    unique = {stage.key: name for name, stage in stages.items()}

    def make(folders: Mapping[str, Any]) -> list[Mapping[str, float]]:
        chosen = [named[unique[key]] for key in folders]
        # of the stage that is published last: there as long as one of them is not
        journal = store.unfinished(stages[chosen[-1].key])
        generator = JournaledGenerator(
            generator_factory(), journal, {"model": identity}, STAGE, on_event, rule
        )
        predictions = predict(
            chosen, generator, answering=answering, on_event=on_event, limits=limits
        )
        for key, benchmark in zip(folders, chosen, strict=True):
            write_predictions(folders[key] / FILE, predictions[benchmark.key])
        return [_facts(predictions[benchmark.key]) for benchmark in chosen]

    built = store.build_together([stages[name] for name in unique.values()], make)
    by_key = {one.key: one for one in built}
    return {name: by_key[stage.key] for name, stage in stages.items()}


def _facts(predictions: Sequence[Prediction]) -> dict[str, float]:
    tokens = [row.num_tokens for row in predictions if row.num_tokens is not None]
    forced = [tags for row in predictions if isinstance(tags := row.extra.get("forced_tags"), int)]
    counted = {"forced_tags": sum(forced)} if forced else {}
    aloud = sum("thoughts" in row.extra for row in predictions)
    counted |= {"thought_aloud": aloud} if aloud else {}
    shown = sum(count for row in predictions if isinstance(count := row.extra.get(SHOWN), int))
    counted |= {SHOWN: shown} if shown else {}
    return {"items": len(predictions), "tokens_generated": sum(tokens), **counted}
