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

from harness.metrics.judging.asked import JudgeQuestion
from harness.metrics.judging.conversations import conversation_of, numbered, single_fields
from harness.metrics.judging.files import find_file
from harness.metrics.judging.prompts import FASTCHAT, PromptFile, read_prompts
from harness.metrics.judging.rated import Rated
from harness.metrics.judging.verdicts import rating
from harness.protocols import Judgement
from harness.records import Prediction
from harness.settings.spec import LocalPath


class JudgeGrade(Rated):
    """Mean rating of the answers of all turns, 1 to 10, higher is better.

    A judgement without a rating is left out and counted, never a 0 (FastChat: -1, left out too).
    An empty answer is judged like any other text. Reference implementation: FastChat's llm_judge,
    `--mode single`, whose average over turns this is for one repeat.
    """

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


METRIC = JudgeGrade
