"""TransLLM's text in the languages asked for: plain text, text pairs, tagged answers.

A tagged answer is made of pieces that are tokenised one by one, so that a tag has the same tokens
here and where ``harness.models.answering.tags`` appends it.
"""

from collections.abc import Sequence

from harness.data.segments import prompt_segment
from harness.errors import ConfigError
from harness.models.answering.tags import Wording
from harness.protocols import Sources
from harness.records import (
    JSON,
    Corpora,
    Example,
    Instruction,
    Message,
    Pair,
    ParallelQuestion,
    Role,
    Segment,
    Text,
)
from harness.variants.shared.replies import Answered

_NO_PROMPT = Segment(Role.PROMPT, "", ())


def plain_text(text: Text) -> Example:
    """A text learnt from its second token on; it ends as a turn does.

    Nothing comes before it, so nothing predicts its first token.
    """
    return Example(f"text/{text.id}", (_NO_PROMPT, Segment(Role.TEXT, text.text, ends_turn=True)))


def text_pair(pair: Pair) -> Example:
    """A pair as plain text: the source, a line break, the target."""
    return Example(
        pair.id,
        (
            _NO_PROMPT,
            Segment(Role.TEXT, f"{pair.source}\n"),
            Segment(Role.TRANSLATION, pair.target, ends_turn=True),
        ),
        pair.id,
    )


def target_languages(corpora: Corpora, language: str | None, pivot: str) -> set[str]:
    """The languages to be learnt: the one named, else those of the questions, else of the texts."""
    if language is not None:
        return {language}
    asked = {question.language for question in corpora.questions}
    return asked or {text.language for text in corpora.monolingual} - {pivot}


def texts_in(corpora: Corpora, languages: set[str]) -> list[Text]:
    """The monolingual texts of some languages.

    Raises:
        ConfigError: There are none.
    """
    texts = [text for text in corpora.monolingual if text.language in languages]
    if not texts:
        named = ", ".join(sorted(languages)) or "a language to be learnt"
        there = ", ".join(sorted({text.language for text in corpora.monolingual}))
        raise ConfigError(
            f"data.monolingual: no text in {named}, found {there or 'none at all'}",
            "name a file with such text (JSONL with id, text and language), or set "
            "variant.language, variant.pivot",
        )
    return texts


def questions_in(corpora: Corpora, languages: set[str], pivot: str) -> list[ParallelQuestion]:
    """The questions in some languages that have a counterpart in the pivot.

    Raises:
        ConfigError: There are none.
    """
    questions = [
        question
        for question in corpora.questions
        if question.language in languages and question.pivot_language == pivot
    ]
    if not questions:
        there = sorted({f"{one.language} beside {one.pivot_language}" for one in corpora.questions})
        raise ConfigError(
            f"data.questions: none in {', '.join(sorted(languages)) or 'any language'} beside "
            f"{pivot}, found {', '.join(there) or 'none at all'}",
            "name a file with such questions (JSONL with id, question, answer, language, "
            "pivot_question, pivot_language), or set variant.language, variant.pivot, or "
            "variant.question_ratio: 0",
        )
    return questions


class Transfer:
    """The examples beside the pairs: recovery and chains, with the untuned model's part in both.

    Args:
        sources: Where the untuned model and the seed come from.
        wording: The tags; None for plain answers in either case, without a chain.
        chats: General chats in the pivot language; the model answers all of them.
        questions: In a language to be learnt; the model answers the pivot's counterpart of those
            that have no answer to it.
        max_new_tokens: Of an answer.

    Attributes:
        examples: What can be learnt: ``num_recovered`` chats, then ``num_chains`` questions.
        facts: Shares of the model's answers that were of no use.
        table: A row for each of the model's answers, and for each question.
    """

    def __init__(
        self,
        sources: Sources,
        wording: Wording | None,
        chats: Sequence[Instruction],
        questions: Sequence[ParallelQuestion],
        max_new_tokens: int,
    ) -> None:
        self._sources, self._wording = sources, wording
        open_ones = [] if wording is None else [q for q in questions if q.pivot_answer is None]
        answered = Answered(sources, [*chats, *map(_counterpart, open_ones)], max_new_tokens)
        by_name = {example.id: example for example in answered.examples}
        recovered = [by_name[name] for chat in chats if (name := f"reply/{chat.id}") in by_name]
        answers = {
            question.id: by_name[name].segments[1]
            for question in open_ones
            if (name := f"reply/{_counterpart(question).id}") in by_name
        }
        unanswered = {question.id for question in open_ones} - set(answers)
        chains = [
            self._chain(question, answers.get(question.id))
            for question in questions
            if question.id not in unanswered
        ]
        self.examples = (*map(self._recovery, recovered), *chains)
        self.num_recovered, self.num_chains = len(recovered), len(chains)
        self.facts = answered.facts
        self.table = (*answered.table, *map(_row, chains))

    def _recovery(self, example: Example) -> Example:
        prompt, answer = example.segments
        if self._wording is None:
            return example
        return Example(example.id, (prompt, _piece(self._wording.response), self._spaced(answer)))

    def _chain(self, question: ParallelQuestion, answer: Segment | None) -> Example:
        """The chain from a question to its answer.

        ``answer`` is the model's to the counterpart, where the corpus has none.
        """
        prompt = prompt_segment(self._sources.base.tokenizer, [Message("user", question.question)])
        name = f"question/{question.id}"
        if self._wording is None:
            return Example(name, (prompt, Segment(Role.REPLY, question.answer, ends_turn=True)))
        middle = _piece(f" {question.pivot_answer}") if answer is None else self._inside(answer)
        return Example(
            name,
            (
                prompt,
                _piece(self._wording.of(question.pivot_language)),
                _piece(f" {question.pivot_question}"),
                _piece(f" {self._wording.response}"),
                middle,
                _piece(f" {self._wording.of(question.language)}"),
                Segment(Role.REPLY, f" {question.answer}", ends_turn=True),
            ),
        )

    def _inside(self, answer: Segment) -> Segment:
        """An answer of the model that the turn does not end with."""
        said = self._sources.base.tokenizer.without_end(answer.token_ids or ())
        return self._spaced(Segment(Role.REPLY, answer.text, said))

    def _spaced(self, answer: Segment) -> Segment:
        space = self._sources.base.tokenizer.encode(" ")
        return Segment(Role.REPLY, f" {answer.text}", space + (answer.token_ids or ()))


def _counterpart(question: ParallelQuestion) -> Instruction:
    return Instruction(f"question/{question.id}", (Message("user", question.pivot_question),))


def _piece(text: str) -> Segment:
    return Segment(Role.REPLY, text)


def _row(example: Example) -> dict[str, JSON]:
    prompt, *pieces = example.segments
    text = "".join(piece.text for piece in pieces)
    return {
        "id": example.id,
        "prompt": prompt.text,
        "reply": text,
        "kept": True,
        "reason": None,
    }
