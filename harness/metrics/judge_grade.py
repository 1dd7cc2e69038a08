"""Chat quality by a judge: each answer rated from 1 to 10.

MT-Bench's single answer grading (Zheng et al., NeurIPS 2023, arXiv 2306.05685) with FastChat's
prompts: the first turn alone, the second with all that was said before, against a reference answer
in mathematics, reasoning and coding. MT-Bench samples the answers at a temperature by category,
which its benchmarks here do too. Deviations: judged several times instead of once; a number out of
1 to 10 is no rating; the judge is whichever model is named, and only scores of one judge compare. A
judge has biases of its own (long answers, its own style, English), and cannot check facts it does
not know: see docs/benchmarks.md.
"""

from collections.abc import Sequence
from typing import ClassVar

from harness.metrics.judging.asked import JudgeQuestion
from harness.metrics.judging.conversations import conversation_of, numbered, single_fields
from harness.metrics.judging.files import find_file
from harness.metrics.judging.judged import Judged
from harness.metrics.judging.prompts import FASTCHAT, PromptFile, read_prompts
from harness.metrics.judging.spread import spread_of, sum_and_count, variance_of
from harness.metrics.judging.verdicts import rating
from harness.protocols import Judgement, Services
from harness.records import Prediction
from harness.settings.spec import LocalPath


class JudgeGrade(Judged):
    """Mean rating of the answers of all turns, 1 to 10, higher is better.

    A judgement without a rating is left out and counted, never a 0 (FastChat: -1, left out too).
    An empty answer is judged like any other text. Reference implementation: FastChat's llm_judge,
    `--mode single`, whose average over turns this is for one repeat.
    """

    num_behind_repeats: ClassVar[int] = 8

    prompts: LocalPath = "fastchat/judge_prompts.jsonl"
    """FastChat's file of prompts, in the data folder or wherever you have it."""

    def prompt_file(self) -> PromptFile:
        return read_prompts(find_file(f"{self.name}.prompts", self.prompts, FASTCHAT))

    def questions(self, predictions: Sequence[Prediction]) -> list[JudgeQuestion]:
        """One per turn of each item."""
        prompts = self.prompt_file()
        conversations = [conversation_of(prediction) for prediction in predictions]
        right = self.right_answers(conversations)
        questions: list[JudgeQuestion] = []
        for conversation in conversations:
            math = "-math" if conversation.id in right else ""
            references = numbered("ref_answer", right.get(conversation.id, ()))
            for turn in range(len(conversation.questions)):
                name = f"single{math}-v1{'-multi-turn' if turn else ''}"
                prompt = prompts.prompt(name, "rating")
                chat = prompt.filled({**single_fields(conversation, turn), **references})
                questions.append(JudgeQuestion(conversation.id, turn, prompt, chat))
        return questions

    def value_of(self, question: JudgeQuestion, judgement: Judgement) -> float | None:
        return rating(judgement.text)

    def statistics(
        self, predictions: Sequence[Prediction], services: Services
    ) -> list[tuple[float, ...]]:
        """Sums that add up, [N][2 R + 8].

        Sum and number of ratings per repeat, then per turn; judgements, and those without a rating;
        variance between the repeats, and the number of turns that have one.
        """
        return [
            self._row([[verdict.value for verdict in turn] for turn in turns])
            for turns in self.verdicts_by_item(predictions, services)
        ]

    def _row(self, turns: Sequence[Sequence[float | None]]) -> tuple[float, ...]:
        """Of an item, given what each repeat gave each turn: [T][R]."""
        by_repeat = [part for repeat in zip(*turns, strict=True) for part in sum_and_count(repeat)]
        by_turn = [part for turn in (*turns, ())[:2] for part in sum_and_count(turn)]
        unrated = sum(value is None for turn in turns for value in turn)
        variances, num_variances = zip(*map(variance_of, turns), strict=True)
        asked = float(len(turns) * self.repeats)
        spread = (sum(variances), sum(num_variances))
        return (*by_repeat, *by_turn, asked, float(unrated), *spread)

    def details(self, totals: Sequence[float]) -> dict[str, float]:
        """Ratings by turn, share of judgements without a rating, spread of the repeats."""
        *pairs, first, num_first, second, num_second, asked, unrated, variances, num = totals
        turns = {"turn_1": (first, num_first), "turn_2": (second, num_second)}
        return {
            **{turn: total / count for turn, (total, count) in turns.items() if count},
            "unrated": unrated / asked,
            **spread_of(pairs, (variances, num)),
        }


METRIC = JudgeGrade
