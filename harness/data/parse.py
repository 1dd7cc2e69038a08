"""Rows with named fields as records: pairs, chats, texts, questions.

A pair has ``source`` and ``target`` (and ``source_lang``, ``target_lang`` unless the settings give
them), or ``translation`` with a text a language. A chat has ``messages``, or ``instruction`` with
what goes with it (``input`` or ``context``) and what answers it (``output`` or ``response``). A
text has ``text`` (and ``language``). A question has ``question``, ``answer``, ``language`` and the
first and last of these with ``pivot_`` before.
"""

from collections.abc import Mapping

from harness.data.fields import FaultyRow, Fields
from harness.data.raw import is_empty
from harness.data.spec import CorpusSpec
from harness.languages.tags import same_language, tag_or_name
from harness.records import JSON, Instruction, Message, Pair, ParallelQuestion, Text

_ROLES = ("system", "user", "assistant")
_CONTEXTS, _ANSWERS = ("input", "context"), ("output", "response")


def pair(fields: Fields, spec: CorpusSpec) -> Pair:
    if fields.data.get("translation") is not None:
        fields.data = _translated(fields, spec)
    row = Pair(
        fields.id(),
        fields.text("source"),
        fields.text("target"),
        fields.language("source_lang", spec.source_lang),
        fields.language("target_lang", spec.target_lang),
    )
    if row.source_lang and row.source_lang == row.target_lang:
        fields.fault(
            f"source_lang and target_lang are both {row.source_lang!r}; requests with answers are "
            "chats, for data.instructions and the variant chat"
        )
    return row


def instruction(fields: Fields, spec: CorpusSpec) -> Instruction:
    """A chat that waits for an answer; a last turn of the assistant is taken as the answer."""
    if "messages" not in fields.data and "instruction" in fields.data:
        return _request(fields)
    turns = _turns(fields)
    answer = fields.optional_text("answer")
    if turns and turns[-1].role == "assistant":
        answer, turns = turns[-1].content, turns[:-1]
    if turns and turns[-1].role != "user":
        fields.fault(f"messages: the last turn is of {turns[-1].role!r}, allowed 'user'")
    return Instruction(fields.id(), tuple(turns), answer, fields.optional_text("skill"))


def text(fields: Fields, spec: CorpusSpec) -> Text:
    return Text(
        fields.id(),
        fields.text("text"),
        fields.language("language", spec.source_lang, "source_lang"),
    )


def question(fields: Fields, spec: CorpusSpec) -> ParallelQuestion:
    """A question with its answer, beside the same in a pivot language."""
    row = ParallelQuestion(
        fields.id(),
        fields.text("question"),
        fields.text("answer"),
        fields.language("language", spec.target_lang, "target_lang"),
        fields.text("pivot_question"),
        fields.language("pivot_language", spec.source_lang, "source_lang"),
        fields.optional_text("pivot_answer"),
    )
    if row.language and row.language == row.pivot_language:
        fields.fault(f"language and pivot_language are both {row.language!r}")
    return row


def _translated(fields: Fields, spec: CorpusSpec) -> dict[str, JSON]:
    """``{"de": ..., "en": ...}`` as source and target; without settings the first is the source.

    Raises:
        FaultyRow: It has no such texts.
    """
    texts = fields.data["translation"]
    if not isinstance(texts, Mapping) or not all(isinstance(one, str) for one in texts):
        fields.fault(f'translation: found {texts!r:.40}, allowed {{"de": ..., "en": ...}}')
        raise FaultyRow
    source, target = (_language_of(texts, tag) for tag in (spec.source_lang, spec.target_lang))
    if len(texts) == 2 and not (spec.source_lang and spec.target_lang):
        first, second = texts
        if source is None and spec.source_lang is None:
            source = second if target == first else first
        if target is None and spec.target_lang is None:
            target = second if source == first else first
    if source is None or target is None:
        languages = " and ".join(filter(None, (spec.source_lang, spec.target_lang))) or "two"
        hint = "" if spec.source_lang and spec.target_lang else "; set source_lang and target_lang"
        there = ", ".join(texts) or "none"
        fields.unpaired(f"translation: found the languages {there}, allowed {languages}{hint}")
        raise FaultyRow
    rest = {name: value for name, value in fields.data.items() if name != "translation"}
    return {
        **rest,
        "source": texts[source],
        "target": texts[target],
        "source_lang": spec.source_lang or tag_or_name(source) or source,
        "target_lang": spec.target_lang or tag_or_name(target) or target,
    }


def _language_of(texts: Mapping[str, JSON], language: str | None) -> str | None:
    """What a row calls a language: by its tag, else by one of another region or script."""
    if language is None:
        return None
    tags = {name: tag_or_name(name) or name for name in texts}
    exact = (name for name, tag in tags.items() if tag == language)
    return next(exact, next((n for n, tag in tags.items() if same_language(tag, language)), None))


def _request(fields: Fields) -> Instruction:
    """An instruction as Alpaca and Dolly write it."""
    request = fields.text("instruction")
    context = next((fields.data[name] for name in _CONTEXTS if fields.data.get(name)), "")
    if not isinstance(context, str):
        fields.fault(f"{' or '.join(_CONTEXTS)}: found {context!r:.40}, allowed a text")
        context = ""
    answered = next((name for name in _ANSWERS if name in fields.data), "answer")
    content = f"{request}\n\n{context}" if not is_empty(context) else request
    skill = "skill" if "skill" in fields.data else "category"
    return Instruction(
        fields.id(),
        (Message("user", content),),
        fields.optional_text(answered),
        fields.optional_text(skill),
    )


def _turns(fields: Fields) -> list[Message]:
    messages = fields.data.get("messages")
    allowed = 'allowed a list of {"role": ..., "content": ...}'
    if not isinstance(messages, list) or not messages:
        fields.fault(f"messages: found {messages!r}, {allowed}")
        return []
    turns = []
    for index, turn in enumerate(messages):
        if not _is_turn(turn):
            fields.fault(f"messages.{index}: {allowed} with a role of {', '.join(_ROLES)}")
            return []
        turns.append(Message(turn["role"], turn["content"]))
    return turns


def _is_turn(turn: JSON) -> bool:
    return (
        isinstance(turn, dict)
        and turn.get("role") in _ROLES
        and isinstance(turn.get("content"), str)
        and not is_empty(turn["content"])
    )
