r"""The translation in what a chat model said around it: prefaces, labels, fences and quotes.

Untuned chat models write "Sure! Here is the translation:" before a translation and put it in quotes
or fences; tuned ones do not. Scored as they stand, such habits count as bad translation, and tuning
seems to gain what it only tidies up. What is cut is decided by words and marks that the source does
not have itself: a source that ends in a colon, speaks of translations or stands in quotes keeps
what its translation says. The rule is this project's own.
"""

import json
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
_LANGUAGES = frozenset(_WORDS["languages"].split())
_MARKS = "*_#>` \t-"
_COLONS = (":", "：")
_MOST_WORDS = 25
"""Of a line before a translation that ends in no colon."""
_MOST_OBLIGING = 4, 20
"""Words and characters of what announces on the translation's own line: "Here it is:"."""
_LABEL = re.compile(r"[^\n:：]{1,120}[:：][*_`]*")
_SENTENCE = re.compile(r"[^.!。！\n]{1,200}[.!。！]+\s*")
_APART = re.compile(r"[\"”*_` \t]*(?:\n|->|=>|→|⇒|[^\n:：]{1,60}[:：])[\s>*_]*(?:A:\s*)?")
"""What stands between a source said again and its translation."""
_BEFORE_ECHO = re.compile(r"[^\n:：]{0,40}[:：][\s\"“*_`]*")
_SURE_ECHO = 12
"""Characters of a source that nothing but itself begins with."""
_TEMPLATE = re.compile(
    r"\s*(?:<\|?(?:im_start|start_header_id|start_of_turn|assistant|bot|model)\|?>\s*"
    r"(?:assistant|model)?(?:<\|?end_header_id\|?>)?|\[/?INST\]|###\s*(?:Response|Assistant|Output)"
    r"\s*:?)\s*",
    re.IGNORECASE,
)
"""What a chat template writes in front of an answer, where a model writes it again."""
_FENCE = re.compile(r"\s*(```|~~~)[^\n`~]*\n(.*?)(?:\n?[ \t]*\1.*|\Z)", re.DOTALL)
_TURN_END = re.compile(r"</s>|<\|(?:im_end|eot_id|end|endoftext|end_of_text)\|>|<end_of_turn>")
_BRACKETED = re.compile(r"(?:\[([^\]\n]{2,30})\]|\(([^)\n]{2,30})\))\s*(?=\S)")
_ELEMENT = re.compile(r"<([A-Za-z]\w*)>\s*(.+?)\s*</\1>", re.DOTALL)
_RULE = re.compile(r"[-*_]{3,}")
_BLANK_LINE = re.compile(r"\n[ \t\r]*\n")
_PAIRS = {
    '"': '"”“', "'": "'", "`": "`", "“": '”"', "❝": "❞", "’": "’",
    "„": "“”", "‘": "’", "‚": "‘’", "«": "»", "»": "«",
    "‹": "›", "›": "‹", "「": "」", "『": "』", "《": "》", "”": "”", "＂": "＂", "〝": "〞〟",
}  # fmt: skip
_QUOTES = set(_PAIRS) - set("'’‘‚`")
_EMPHASIS = ("***", "**", "__", "*", "_", '"""', "'''", "''")
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
    if not _TURN_END.search(source):
        text = _TURN_END.split(text, maxsplit=1)[0].rstrip()
    if (inside := fenced(text, source)) is not None:
        text = without_preface(inside, source)
    paragraphs = _BLANK_LINE.split(text)
    num = len(_BLANK_LINE.split(source.strip()))
    return bare("\n\n".join(paragraphs[:num]).strip(), source)


def fenced(text: str, source: str) -> str | None:
    """What stands in the code fence, or the one field of JSON, that a text begins with.

    None without one, or with the source's.
    """
    if text.startswith("{") and not source.lstrip().startswith("{"):
        return _only_field(text)
    fence = _FENCE.match(text)
    return fence[2] if fence and fence[2].strip() and fence[1] not in source else None


def _only_field(text: str) -> str | None:
    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return None
    fields = list(value.values()) if isinstance(value, dict) else []
    return fields[0] if len(fields) == 1 and isinstance(fields[0], str) else None


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
    label = None if text.startswith("{") else _LABEL.match(text)
    if label and _is_label(label[0], source):
        yield text[label.end() :]
    bracketed = _BRACKETED.match(text)
    if bracketed and source[:1] not in "[(" and _is_named(bracketed[1] or bracketed[2], source):
        yield text[bracketed.end() :]
    line, newline, below = text.partition("\n")
    if newline and _is_preface(line, source, _num_lines(text) > _num_lines(source)):
        yield below


def _echo(text: str, source: str) -> str | None:
    """What follows where the source itself stands first, on a line of its own or by an arrow."""
    plain, source = text.lstrip(_MARKS + '"“'), source.strip()
    before = _BEFORE_ECHO.match(plain) if len(source) >= _SURE_ECHO else None
    if before and plain.startswith(source, before.end()):
        plain = plain[before.end() :]
    if not source or not plain.startswith(source):
        return None
    apart = _APART.match(plain[len(source) :])
    if apart is None or (":" in apart[0] and len(source) < _SURE_ECHO):
        return None
    return plain[len(source) + apart.end() :]


def _is_preface(line: str, source: str, is_added: bool) -> bool:
    """Whether a line with more below it only leads up to that.

    Args:
        line: The first of an output.
        source: What was to be translated.
        is_added: Whether the output has more lines than the source.
    """
    if _FENCE.match(f"{line}\n"):
        return False
    plain = line.strip(_MARKS)
    head = source.strip().partition("\n")[0]
    if _is_role(plain) and not _is_role(head):
        return True
    if plain.endswith(_COLONS):
        return _is_label(plain, source) or (is_added and not _has_colon(source))
    if len(plain.split()) > _MOST_WORDS:
        return False
    if _STEMS.search(plain):
        return not _STEMS.search(source)
    if not is_added:
        return False
    obliging = _is_obliging(plain) and not _is_obliging(head) and 3 * len(plain) < 2 * len(source)
    is_rule = bool(_RULE.fullmatch(line.strip())) and not _RULE.match(head)
    return obliging or is_rule or _is_named(plain, source)


def _is_label(text: str, source: str) -> bool:
    """Whether what ends in a colon names what follows, or announces it."""
    plain = text.strip(_MARKS).rstrip("".join(_COLONS)).strip(_MARKS)
    if _STEMS.search(plain):
        return not _STEMS.search(source)
    if _has_colon(source):
        return False
    if _is_named(re.sub(r"\(.*?\)", "", plain).strip(), source):
        return True
    words, characters = _MOST_OBLIGING
    is_short = len(plain.split()) <= words and (plain.isascii() or len(plain) <= characters)
    names = any(map(_is_language, re.findall(r"[^\W\d_]{3,}", plain)))
    return (is_short or names) and _is_obliging(plain) and not _is_obliging(source)


def _is_named(plain: str, source: str) -> bool:
    """Whether a label says who speaks, or which language follows, and the source does not."""
    said = set(re.findall(r"\w+", source.lower()))
    if _is_role(plain):
        return said.isdisjoint(_ROLES)
    first = re.match(r"\w*", source.strip())
    if first and _is_language(first[0]):
        return False
    return any(all(map(_is_language, words)) and bool(words) for words in _names(plain))


def _is_obliging(text: str) -> bool:
    return bool(_BEGUN.match(re.sub(r"^[\W_]+", "", text)))


def _is_language(word: str) -> bool:
    if word.lower() in _LANGUAGES:
        return True
    language = tag_or_name(word)
    return language is not None and (word.lower() in _TAGS or word.lower() != language.lower())


def _num_lines(text: str) -> int:
    return sum(bool(line.strip()) for line in text.splitlines())


def _names(plain: str) -> Iterator[list[str]]:
    """What may be names of languages: all of it, or what is left of "English to German version"."""
    yield [plain]
    words = [word for word in re.split(r"[\s/>→–-]+", plain) if word]
    rest = [word for word in words if word.lower() not in _BESIDE_A_LANGUAGE]
    if len(words) == 2:
        yield words
    if len(rest) == 2 or (len(rest) == 1 and len(rest[0]) > 2):
        yield rest


def _is_role(plain: str) -> bool:
    return plain.strip(_MARKS).rstrip(":：").strip().lower().removeprefix("final ") in _ROLES


def _has_colon(text: str) -> bool:
    return any(mark in text for mark in _COLONS)


def _inner(text: str, source: str) -> str | None:
    if text.startswith("> ") and not source.startswith(">"):
        return re.sub(r"(?m)^> ?", "", text).strip()
    if (element := _ELEMENT.fullmatch(text)) and "<" not in source:
        return element[2]
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
