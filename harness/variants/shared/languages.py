"""What of the corpora is in the languages a method is about; says what to mend where nothing is."""

from harness.errors import ConfigError
from harness.records import Corpora, ParallelQuestion, Text


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
