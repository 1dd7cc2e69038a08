"""What metrics by a judge share: asking, repeats, the signature, the texts of the judgements."""

import itertools
import logging
from abc import abstractmethod
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from harness.errors import ConfigError, EvaluationError, MissingExtra
from harness.metrics.judging.asked import JudgeQuestion, JudgeVerdict, readable
from harness.metrics.judging.conversations import Conversation, questions_of
from harness.metrics.judging.files import find_file, short_sha256
from harness.metrics.judging.prompts import PromptFile
from harness.metrics.judging.references import REFERENCES, read_references
from harness.metrics.judging.spread import mean_over_repeats
from harness.metrics.judging.verdicts import RULE_VERSION
from harness.metrics.shared.metric import MetricSpec
from harness.protocols import Judgement, JudgeRequest, Services
from harness.records import JSON, Prediction
from harness.servers.key import read_key
from harness.servers.spec import ServerSpec
from harness.settings.spec import LocalPath

logger = logging.getLogger(__name__)

_SHOWN = 80


class Judged(MetricSpec):
    """A metric whose items are judged by a chat model behind an OpenAI-compatible server."""

    num_behind_repeats: ClassVar[int]
    """How many statistics stand behind the sum and number of each repeat."""

    server: ServerSpec | None = None
    """The judge: {url: http://localhost:8000/v1, model: NAME, key_variable: OPENAI_API_KEY}. The
    key itself stands in that environment variable alone."""

    repeats: int = Field(2, ge=1)
    """How often everything is judged; the value is the mean over the repeats, and their spread is
    reported. Servers vary even at temperature 0."""

    temperature: float | None = Field(0.0, ge=0)
    """Of the judge; null leaves it to the server (some models allow no other)."""

    max_tokens: int = Field(2048, ge=1)
    """Tokens of a judgement at most."""

    references: LocalPath | None = None
    """Reference answers in FastChat's form, matched by the items' ids; needed where there are items
    of `reference_categories`."""

    reference_categories: tuple[str, ...] = ("math", "reasoning", "coding")
    """Categories of items that are judged against a reference answer."""

    @abstractmethod
    def prompt_file(self) -> PromptFile:
        """The prompts, from the user's copy."""

    @abstractmethod
    def questions(self, predictions: Sequence[Prediction]) -> list[JudgeQuestion]:
        """What the judge is asked about the predictions, in their order."""

    @abstractmethod
    def value_of(self, question: JudgeQuestion, judgement: Judgement) -> float | None:
        """What a judgement says; None when it says nothing of use."""

    def files(self) -> Mapping[str, Path]:
        """The files it reads beside the prompts, by setting.

        Raises:
            MissingExtra: One of them is nowhere.
        """
        if self.references is None:
            return {}
        return {"references": find_file(f"{self.name}.references", self.references, REFERENCES)}

    def own_settings(self) -> Mapping[str, JSON]:
        """Settings of its own that belong into the signature."""
        return {}

    @abstractmethod
    def details(self, totals: Sequence[float]) -> dict[str, float]:
        """What belongs beside the value, from summed statistics."""

    def top_logprobs(self) -> int | None:
        """How many alternatives of the judge's tokens it needs."""
        return None

    def check(self, predictions: Sequence[Prediction]) -> None:
        """Looks at all files it needs, before anything is asked or even answered.

        Raises:
            DataError: A file is wrong, or lacks an item.
            MissingExtra: A file is missing.
        """
        self.prompt_file()
        self.right_answers([questions_of(prediction) for prediction in predictions])

    def verdicts(self, predictions: Sequence[Prediction], services: Services) -> list[JudgeVerdict]:
        """What the judge says to each question, its repeats one behind the other, [Q R].

        Raises:
            DataError: A file is wrong, or a prediction lacks what is judged.
            MissingExtra: No judge is named, a file is missing, or there is nobody to ask.
            EvaluationError: The server did not answer, or none of its judgements has a verdict.
        """
        self.check(predictions)
        if self.server is None:
            raise MissingExtra(
                f"{self.name}.server is not set, so there is no judge",
                f"name one, {self.name}.server={{url: http://localhost:8000/v1, model: NAME}}: "
                "see docs/benchmarks.md",
            )
        if services.judge is None:  # asked before anything is generated
            self._warn_of_a_missing_key(self.server)
            raise MissingExtra(f"{self.name} needs a judge's client, and none was given")
        asked = list(itertools.product(self.questions(predictions), range(self.repeats)))
        requests = [
            JudgeRequest(
                question.messages, self.max_tokens, self.temperature, repeat, self.top_logprobs()
            )
            for question, repeat in asked
        ]
        said = services.judge.ask(self.server.plain(), requests)
        verdicts = [
            JudgeVerdict(question, repeat, judgement, self.value_of(question, judgement))
            for (question, repeat), judgement in zip(asked, said, strict=True)
        ]
        if said and all(verdict.value is None for verdict in verdicts):
            raise EvaluationError(
                f"{self.name}: none of the {len(said)} judgements of {self.server.model} has a "
                f"verdict in the form its prompt asks for; the first: {_short(said[0].text)!r}"
            )
        return verdicts

    def verdicts_by_item(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[list[list[JudgeVerdict]]]:
        """The same by prediction, question and repeat: [N][Q][R]."""
        by_item: dict[str, list[list[JudgeVerdict]]] = defaultdict(list)
        for verdict in self.verdicts(predictions, services):
            if verdict.repeat == 0:
                by_item[verdict.question.item].append([])
            by_item[verdict.question.item][-1].append(verdict)
        return [by_item[prediction.id] for prediction in predictions]

    def _warn_of_a_missing_key(self, server: ServerSpec) -> None:
        try:
            read_key(server)
        except ConfigError as error:
            without = "without it only what was judged before can be scored"
            logger.warning("%s: %s; %s", self.name, error.message, without)

    def right_answers(self, conversations: Sequence[Conversation]) -> Mapping[str, tuple[str, ...]]:
        """The reference answers of those that are judged against one, by item and turn.

        Raises:
            DataError: The file of them is wrong.
            MissingExtra: There is none, or it lacks an item.
        """
        path = self.files().get("references")
        answers = {} if path is None else read_references(path)
        judged = [one for one in conversations if one.category in self.reference_categories]
        without = [one.id for one in judged if len(answers.get(one.id, ())) < len(one.questions)]
        if without:
            raise MissingExtra(
                f"{self.name}.references: {path or 'not set, and so'} has no answer for "
                f"{len(without)} of {len(conversations)} items (first: {without[0]!r}), which are "
                "of categories judged against one",
                f"get {REFERENCES}",
            )
        return {one.id: answers[one.id] for one in judged}

    def signature(self, predictions: Sequence[Prediction], services: Services) -> str:
        """The judge as named and as its server calls it, prompts and files by content, settings.

        It asks the judge: which model answers is known from its answers alone.

        Raises:
            DataError, MissingExtra, EvaluationError: As ``verdicts``.
        """
        verdicts = self.verdicts(predictions, services)
        assert self.server is not None
        served = sorted({one.judgement.model for one in verdicts})
        prompts = sorted({one.question.prompt.name for one in verdicts})
        temperature = "server's" if self.temperature is None else f"{self.temperature:g}"
        parts = [
            self.name,
            f"judge:{self.server.model}",
            f"served:{','.join(served)}",
            f"prompts:{','.join(prompts)}:{self.prompt_file().sha256}",
            *(f"{setting}:{short_sha256(path)}" for setting, path in self.files().items()),
            f"with_reference:{','.join(self.reference_categories) or 'none'}",
            *(f"{setting}:{value}" for setting, value in self.own_settings().items()),
            f"temperature:{temperature}",
            f"max_tokens:{self.max_tokens}",
            f"repeats:{self.repeats}",
            f"rule:{RULE_VERSION}",
            f"version:{self.version}",
        ]
        return "|".join(parts)

    def judgements(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[dict[str, JSON]]:
        """Every judgement for a person to read, in the order of the predictions."""
        return [readable(verdict) for verdict in self.verdicts(predictions, services)]

    def facts(
        self,
        predictions: Sequence[Prediction],
        statistics: Sequence[Sequence[float]],
        services: Services,
    ) -> Mapping[str, float]:
        """The spread of the repeats, what had no verdict, and the value of each category."""
        by_category: dict[str | None, list[Sequence[float]]] = defaultdict(list)
        for prediction, row in zip(predictions, statistics, strict=True):
            by_category[questions_of(prediction).category].append(row)
        by_category.pop(None, None)
        values = {name: self.aggregate(_summed(rows)) for name, rows in by_category.items()}
        return self.details(_summed(statistics)) | {
            f"in_{name}": value for name, value in sorted(values.items()) if value is not None
        }

    def aggregate(self, totals: Sequence[float]) -> float | None:
        """The mean over the repeats of each repeat's mean, be that of ratings or of points."""
        return mean_over_repeats(totals[: -self.num_behind_repeats])


def _summed(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) for column in zip(*rows, strict=True)]


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
