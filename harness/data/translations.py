r"""The translation in what a chat model said around it: prefaces, labels, fences and quotes.

Untuned chat models write "Sure! Here is the translation:" before a translation and put it in quotes
or fences; tuned ones do not. Scored as they stand, such habits count as bad translation, and tuning
seems to gain what it only tidies up. What is cut is decided by words and marks that the source does
not have itself: a source that ends in a colon, speaks of translations or stands in quotes keeps
what its translation says. The rule is this project's own.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness.languages.tags import tag_or_name

_WORDS: Mapping[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_bytes())
_STEMS = re.compile("|".join(map(re.escape, _WORDS["stems"].split())), re.IGNORECASE)
_BEGUN = re.compile(
    rf"(?:{'|'.join(map(re.escape, _WORDS['begun']))})(?!\w)|"
    rf"(?:{'|'.join(map(re.escape, _WORDS['begun_close'].split()))})",
    re.IGNORECASE,
)
_ROLES = frozenset(_WORDS["roles"].split())
_BESIDE_A_LANGUAGE = frozenset(_WORDS["beside_a_language"].split())
_TAGS = frozenset(_WORDS["tags"].split())
_MARKS = "*_#>` \t-"
_COLONS = (":", "：")
_MOST_WORDS = 25
"""Of a line before a translation that ends in no colon."""
_LABEL = re.compile(r"[^\n:：]{1,120}[:：][*_`]*")
_SENTENCE = re.compile(r"[^.!。！\n]{1,200}[.!。！]+\s*")
_APART = re.compile(r"[\"”*_` \t]*(?:\n|->|=>|→|⇒)[\s>*_]*")
"""What stands between a source said again and its translation."""
_TEMPLATE = re.compile(
    r"\s*(?:<\|?(?:im_start|start_header_id|start_of_turn|assistant|bot|model)\|?>\s*"
    r"(?:assistant|model)?(?:<\|?end_header_id\|?>)?|\[/?INST\]|###\s*(?:Response|Assistant|Output)"
    r"\s*:?)\s*",
    re.IGNORECASE,
)
"""What a chat template writes in front of an answer, where a model writes it again."""
_FENCE = re.compile(r"\s*```[^\n`]*\n(.*?)(?:\n?[ \t]*```.*|\Z)", re.DOTALL)
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_PAIRS = {
    '"': '"', "'": "'", "`": "`", "“": "”", "„": "“”", "‘": "’", "‚": "‘’", "«": "»", "»": "«",
    "‹": "›", "›": "‹", "「": "」", "『": "』", "《": "》", "”": "”", "＂": "＂", "〝": "〞〟",
}  # fmt: skip
_QUOTES = set(_PAIRS) - set("'’‘‚`")
_EMPHASIS = ("***", "**", "__", "*", "_")
_MOST_LAYERS = 4


def without_preface(output: str, source: str) -> str:
    r"""An output from its translation on.

    >>> without_preface("Sure! Here is the translation:\n\nDer Hund.", "The dog.")
    'Der Hund.'
    >>> without_preface("Er sagte:\n\nNein.", "He said:\n\nNo.")
    'Er sagte:\n\nNein.'
    """
    text = output.strip()
    for _ in range(_MOST_LAYERS):
        rest = next((rest for rest in _rests(text, source) if rest.strip()), None)
        if rest is None:
            return text
        text = rest.strip()
    return text


def translation_in(output: str, source: str) -> str:
    r"""The translation in an output: as many paragraphs as the source has, bare.

    >>> translation_in('Translation: **"Der Hund."**\n\nHund means dog.', "The dog.")
    'Der Hund.'
    """
    text = without_preface(output, source)
    if (inside := fenced(text, source)) is not None:
        text = without_preface(inside, source)
    paragraphs = _BLANK_LINE.split(text)
    num = len(_BLANK_LINE.split(source.strip()))
    return bare("\n\n".join(paragraphs[:num]).strip(), source)


def fenced(text: str, source: str) -> str | None:
    """What stands in the code fence a text begins with; None without one, or with the source's."""
    fence = None if "```" in source else _FENCE.match(text)
    return fence[1] if fence and fence[1].strip() else None


def bare(text: str, source: str) -> str:
    """A text without the quotes and the emphasis around all of it that its source has not.

    >>> bare("«Der Hund.»", "The dog."), bare("„Nein!“", "“No!”")
    ('Der Hund.', '„Nein!“')
    """
    for _ in range(_MOST_LAYERS):
        inner = _inner(text, source.strip())
        if inner is None:
            return text
        text = inner
    return text


def _rests(text: str, source: str) -> Iterator[str]:
    """What is left behind each thing that may stand in front of a translation."""
    if (written := _TEMPLATE.match(text)) and not _TEMPLATE.match(source):
        yield text[written.end() :]
    if echoed := _echo(text, source):
        yield echoed
    sentence = _SENTENCE.match(text)
    if sentence and _BEGUN.match(text) and _STEMS.search(sentence[0]) and not _STEMS.search(source):
        yield text[sentence.end() :]
    label = _LABEL.match(text)
    if label and _is_label(label[0], source):
        yield text[label.end() :]
    line, newline, below = text.partition("\n")
    if newline and _is_preface(line, source):
        yield below


def _echo(text: str, source: str) -> str | None:
    """What follows where the source itself stands first, on a line of its own or by an arrow."""
    plain, source = text.lstrip(_MARKS + '"“'), source.strip()
    if not source or not plain.startswith(source):
        return None
    apart = _APART.match(plain[len(source) :])
    return plain[len(source) + apart.end() :] if apart else None


def _is_preface(line: str, source: str) -> bool:
    """Whether a line with more below it only leads up to that."""
    plain = line.strip(_MARKS)
    head = source.strip().partition("\n")[0]
    if _is_role(plain) and not _is_role(head):
        return True
    if plain.endswith(_COLONS):
        return _is_label(plain, source) or not _has_colon(source)
    if len(plain.split()) > _MOST_WORDS:
        return False
    if _STEMS.search(plain):
        return not _STEMS.search(source)
    obliging = _BEGUN.match(plain) and not _BEGUN.match(head)
    return bool(obliging) and 3 * len(plain) < 2 * len(source)


def _is_label(text: str, source: str) -> bool:
    """Whether what ends in a colon names what follows, or announces it."""
    plain = text.strip(_MARKS).rstrip("".join(_COLONS)).strip(_MARKS)
    if _STEMS.search(plain):
        return not _STEMS.search(source)
    if _has_colon(source):
        return False
    named = _is_role(plain) or any(map(_is_language, _names(re.sub(r"\(.*?\)", "", plain).strip())))
    return named or bool(_BEGUN.match(plain) and not _BEGUN.match(source.strip()))


def _is_language(word: str) -> bool:
    language = tag_or_name(word)
    return language is not None and (word.lower() in _TAGS or word.lower() != language.lower())


def _names(plain: str) -> tuple[str, ...]:
    """What may be the name of a language: all of it, or what is left of "German version"."""
    rest = [word for word in plain.split() if word.lower() not in _BESIDE_A_LANGUAGE]
    return (plain, rest[0]) if len(rest) == 1 and len(rest[0]) > 2 else (plain,)


def _is_role(plain: str) -> bool:
    return plain.strip(_MARKS).rstrip(":：").strip().lower() in _ROLES


def _has_colon(text: str) -> bool:
    return any(mark in text for mark in _COLONS)


def _inner(text: str, source: str) -> str | None:
    if text.startswith("> ") and not source.startswith(">"):
        return re.sub(r"(?m)^> ?", "", text).strip()
    for mark in _EMPHASIS:
        inside = text[len(mark) : -len(mark)]
        if text.startswith(mark) and text.endswith(mark) and _is_whole(inside, mark):
            return inside.strip() if mark[0] not in source else None
    opening, closing = text[:1], text[-1:]
    if len(text) < 3 or closing not in _PAIRS.get(opening, "") or not closing:
        return None
    inside = text[1:-1]
    quoted = opening in source or source[:1] in _PAIRS or not _QUOTES.isdisjoint(source)
    if quoted or opening in inside or closing in _without_apostrophes(inside):
        return None
    return inside.strip() or None


def _is_whole(inside: str, mark: str) -> bool:
    return bool(inside.strip()) and mark[0] not in inside


def _without_apostrophes(text: str) -> str:
    return re.sub(r"(?<=\w)['’](?=\w)", "", text)
