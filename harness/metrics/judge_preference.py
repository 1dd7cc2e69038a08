"""Chat quality by a judge: how often it prefers an answer to another system's.

Pairwise comparison as MT-Bench does it (Zheng et al., NeurIPS 2023, arXiv 2306.05685; prompts
``pair-v2`` and its kin) or AlpacaEval (its prompt; Dubois et al., 2024, arXiv 2404.04475). Both
orders are always asked. By FastChat's rule an answer wins when both orders prefer it, loses when
both prefer the other, and ties otherwise. Deviations: AlpacaEval shows each pair once, in an order
drawn by lot, and this both ways; there is no length-controlled win rate, which needs the models of
its leaderboard: the ratio of the lengths is reported beside the win rate instead.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from harness.errors import DataError, MissingExtra
from harness.metrics.judging.asked import JudgeQuestion, JudgeVerdict
from harness.metrics.judging.conversations import conversation_of, numbered, pair_fields
from harness.metrics.judging.files import find_file
from harness.metrics.judging.judged import Judged
from harness.metrics.judging.prompts import (
    ALPACA_EVAL,
    FASTCHAT,
    JudgePrompt,
    PromptFile,
    read_prompts,
)
from harness.metrics.judging.references import compared_with
from harness.metrics.judging.spread import spread_of, sum_and_count, variance_of
from harness.metrics.judging.verdicts import (
    preference_by_last_letter,
    preference_by_probability,
    preference_in_letters,
)
from harness.protocols import Judgement, Services
from harness.records import JSON, Prediction
from harness.settings.spec import LocalPath

_OTHER_SYSTEM = (
    "a predictions file of the other system (`harness evaluate` makes one), or AlpacaEval's "
    "alpaca_eval_gpt4_baseline.json (https://huggingface.co/datasets/tatsu-lab/alpaca_eval, "
    "CC BY-NC 4.0)"
)
_ALTERNATIVES = 5


class JudgePreference(Judged):
    """Win rate against another system's answers, ties half, 0..1, higher is better.

    A comparison of which an order has no verdict is left out and counted. An empty answer is judged
    like any other text. Reference implementations: FastChat's llm_judge, `--mode
    pairwise-baseline`, whose adjusted win rate this is for one repeat; alpaca_eval for its prompt,
    which shows one order instead of both.
    """

    num_behind_repeats: ClassVar[int] = 11

    against: LocalPath | None = None
    """The other system's answers: a predictions file, matched by the items' ids, or AlpacaEval's
    reference outputs (.json), matched by the instruction."""

    prompts: LocalPath = "fastchat/judge_prompts.jsonl"
    """FastChat's file of prompts, or AlpacaEval's (.txt), in the data folder or wherever you have
    it."""

    weighted: bool = False
    """With AlpacaEval's prompt, as AlpacaEval 2 does: a preference is the probability of the
    verdict, so the server must give log-probabilities."""

    def prompt_file(self) -> PromptFile:
        get = ALPACA_EVAL if self.prompts.endswith(".txt") else FASTCHAT
        return read_prompts(find_file(f"{self.name}.prompts", self.prompts, get))

    def files(self) -> Mapping[str, Path]:
        """The other system's answers, beside those of any judge."""
        if self.against is None:
            raise MissingExtra(
                f"{self.name}.against is not set, so there is nothing to compare with",
                f"name {_OTHER_SYSTEM}",
            )
        other = find_file(f"{self.name}.against", self.against, _OTHER_SYSTEM)
        return {"against": other, **super().files()}

    def check(self, predictions: Sequence[Prediction]) -> None:
        """The other system's answers too."""
        super().check(predictions)
        compared_with(self.files()["against"], predictions)

    def own_settings(self) -> Mapping[str, JSON]:
        """Whether preferences are weighted."""
        return {"orders": "both", "weighted": "yes" if self.weighted else "no"}

    def top_logprobs(self) -> int | None:
        """As many as AlpacaEval asks for."""
        return _ALTERNATIVES if self.weighted else None

    def questions(self, predictions: Sequence[Prediction]) -> list[JudgeQuestion]:
        """Two per turn of each item, one for each order."""
        ours = [conversation_of(prediction) for prediction in predictions]
        theirs = compared_with(self.files()["against"], predictions)
        right = self.right_answers(ours)
        questions: list[JudgeQuestion] = []
        for own, other in zip(ours, theirs, strict=True):
            references = numbered("ref_answer", right.get(own.id, ()))
            for turn in range(len(own.questions)):
                prompt = self._prompt(own.id in right, turn)
                for ours_first in (True, False):
                    first, second = (own, other) if ours_first else (other, own)
                    chat = prompt.filled({**pair_fields(first, second, turn), **references})
                    questions.append(JudgeQuestion(own.id, turn, prompt, chat, ours_first))
        return questions

    def _prompt(self, with_reference: bool, turn: int) -> JudgePrompt:
        file = self.prompt_file()
        single = [prompt for prompt in file.prompts.values() if prompt.form == "m_or_M"]
        if not single:
            if self.weighted:
                raise DataError(
                    f"{self.name}.weighted: {file.path} asks for words, allowed: AlpacaEval's "
                    "prompt, whose verdict is one token"
                )
            kind = "pair-math-v1" if with_reference else "pair-v2"
            return file.prompt(f"{kind}{'-multi-turn' if turn else ''}", "letters")
        if turn or with_reference:
            raise DataError(
                f"{file.path}: has places for one turn and no reference answer, and some items "
                "have more: name FastChat's prompts"
            )
        return single[0]

    def value_of(self, question: JudgeQuestion, judgement: Judgement) -> float | None:
        """1 where the prediction is preferred, 0 where the other is."""
        if question.prompt.form == "letters":
            first = preference_in_letters(judgement.text)
        elif self.weighted:
            first = preference_by_probability(judgement.alternatives or {})
        else:
            first = preference_by_last_letter(judgement.text)
        return first if first is None or question.ours_first else 1 - first

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Sums that add up, [N][2 R + 11].

        Points and comparisons per repeat; won, tied, lost, without verdict; comparisons in which
        the orders agree; verdicts for what was shown first, verdicts for one of the two; variance
        between the repeats, and the number of turns that have one; characters of both answers.
        """
        rows = self.verdicts_by_item(predictions, services)
        ours = map(conversation_of, predictions)
        theirs = compared_with(self.files()["against"], predictions)
        return [
            (*self._row(row), *(float(sum(map(len, each.answers))) for each in (own, other)))
            for row, own, other in zip(rows, ours, theirs, strict=True)
        ]

    def _row(self, rows: Sequence[Sequence[JudgeVerdict]]) -> tuple[float, ...]:
        """Of an item, given the verdicts of each turn in one order and the other: [2 T][R]."""
        pairs = [
            [(ours.value, theirs.value) for ours, theirs in zip(*orders, strict=True)]
            for orders in zip(rows[::2], rows[1::2], strict=True)
        ]
        points = [[self._points(*pair) for pair in turn] for turn in pairs]
        flat = [value for turn in points for value in turn]
        judged = [value for value in flat if value is not None]
        decided = [
            (verdict.value > 0.5) == verdict.question.ours_first
            for verdict in itertools.chain(*rows)
            if verdict.value not in (None, 0.5)
        ]
        variances, num_variances = zip(*map(variance_of, points), strict=True)
        return (
            *(part for repeat in zip(*points, strict=True) for part in sum_and_count(repeat)),
            float(sum(value > 0.5 for value in judged)),
            float(judged.count(0.5)),
            float(sum(value < 0.5 for value in judged)),
            float(flat.count(None)),
            float(sum(_agree(*pair) for turn in pairs for pair in turn)),
            float(sum(decided)),
            float(len(decided)),
            sum(variances),
            sum(num_variances),
        )

    def _points(self, first: float | None, second: float | None) -> float | None:
        """Of a comparison, given what each order gave it."""
        if first is None or second is None:
            return None
        if self.weighted:
            return (first + second) / 2
        return first if first == second else 0.5

    def details(self, totals: Sequence[float]) -> dict[str, float]:
        """Shares of the comparisons, agreement of the orders, spread of the repeats, lengths.

        `shown_first` is how often a verdict is for what stands first: .5 where position is nothing.
        """
        *pairs, won, tied, lost, none, agree, first, decided, variances, num, ours, theirs = totals
        judged = won + tied + lost
        shares = {
            **{"won": (won, judged), "tied": (tied, judged), "lost": (lost, judged)},
            "without_verdict": (none, judged + none),
            "orders_agree": (agree, judged),
            "shown_first": (first, decided),
            "length_ratio": (ours, theirs),
        }
        ratios = {name: part / whole for name, (part, whole) in shares.items() if whole}
        return ratios | spread_of(pairs, (variances, num))


def _agree(first: float | None, second: float | None) -> bool:
    """Whether both orders say the same: this one, the other, or a tie."""
    if first is None or second is None:
        return False
    return (first > 0.5) == (second > 0.5) and (first < 0.5) == (second < 0.5)


METRIC = JudgePreference
