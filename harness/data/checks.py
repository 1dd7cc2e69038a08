"""What ails the pairs of a corpus: each kind of fault found by a function, all by the settings."""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from harness.data.spec import ChecksSpec
from harness.records import Pair

_SHORT = 20
"""A side of fewer characters says nothing by its length."""
_GARBLED = re.compile(
    r"\ufffd|Ã[\u0080-¿ƒŸ¤¶¼„–œ]|â€|Â[\u0080-¿]|à¸|à¹"
    r"|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]"
)
"""A replacement character; UTF-8 read as Latin-1 or Windows-1252: Ã¼, â€œ, Thai as à¸; a control
character (not the ends of lines and tabs, which text may have)."""
_MARKUP = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]*)?/?>|&(?:[A-Za-z]{2,8}|#x?[0-9A-Fa-f]+);")
_WIDE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]")
_SYLLABLES = re.compile(r"[\u3040-\u30ff\uac00-\ud7af]")
_OWN_SCRIPT = 0.2
"""Letters of its own script that keep a text in its language whatever names it holds."""


def find(kind: str, pairs: Sequence[Pair], checks: ChecksSpec) -> list[int]:
    """Places of the pairs with a kind of fault (see ``harness.data.fields.WORDS``), in order."""
    if kind == "duplicates":
        return _duplicates(pairs)
    is_faulty = _CHECKS[kind]
    return [place for place, pair in enumerate(pairs) if is_faulty(pair, checks)]


def _duplicates(pairs: Sequence[Pair]) -> list[int]:
    seen: set[tuple[str, str]] = set()
    repeated = []
    for index, pair in enumerate(pairs):
        sides = pair.source, pair.target
        if sides in seen:
            repeated.append(index)
        seen.add(sides)
    return repeated


def _is_garbled(pair: Pair, checks: ChecksSpec) -> bool:
    return bool(_GARBLED.search(pair.source) or _GARBLED.search(pair.target))


def _has_markup(pair: Pair, checks: ChecksSpec) -> bool:
    return bool(_MARKUP.search(pair.source) or _MARKUP.search(pair.target))


def _is_copied(pair: Pair, checks: ChecksSpec) -> bool:
    return pair.source == pair.target


def _is_long(pair: Pair, checks: ChecksSpec) -> bool:
    return max(len(pair.source), len(pair.target)) > checks.longest


def _is_lopsided(pair: Pair, checks: ChecksSpec) -> bool:
    short, long = sorted((width(pair.source), width(pair.target)))
    return long > checks.ratio * short and long > _SHORT


def width(text: str) -> float:
    """Characters as wide as letters are: an ideograph says about three letters, a syllable two.

    >>> width("abc"), width("你好"), width("한국")
    (3, 6, 4)
    """
    if text.isascii():
        return len(text)
    return len(text) + 2 * len(_WIDE.findall(text)) + len(_SYLLABLES.findall(text))


def _is_in_wrong_language(pair: Pair, checks: ChecksSpec) -> bool:
    sides = (pair.source, pair.source_lang), (pair.target, pair.target_lang)
    return any(is_foreign(text, tag, (pair.source_lang, pair.target_lang)) for text, tag in sides)


def is_foreign(text: str, language: str, languages: Sequence[str]) -> bool:
    """Whether a text is clearly in another language than its own; False of unknown languages.

    Args:
        text: The text.
        language: Its own, by its tag.
        languages: Others it may be in, beside the most frequent ones.
    """
    # on first use: the language models take a second to load, and few runs ask
    from harness.languages import function_words, identify

    if not identify.knows(language):
        return False
    usual = (*function_words.FUNCTION_WORDS, *identify.neighbours(language))
    candidates = {tag for tag in (*languages, *usual) if identify.knows(tag)}
    if not identify.is_other_language(text, language, candidates):
        return False
    # names in Latin letters may outweigh a Chinese sentence around them
    is_latin = identify.has_script_of(text, "en", 0.5)
    has_own = not identify.is_latin(language) and identify.has_script_of(
        text, language, _OWN_SCRIPT
    )
    return not (is_latin and has_own)


def unidentified(pairs: Sequence[Pair]) -> dict[str, int]:
    """Languages that cannot be identified, and how many pairs have one; such sides never fail."""
    # on first use, as above
    from harness.languages.identify import knows

    counts = Counter(tag for pair in pairs for tag in {pair.source_lang, pair.target_lang})
    return {tag: count for tag, count in sorted(counts.items()) if not knows(tag)}


_CHECKS: Mapping[str, Callable[[Pair, ChecksSpec], bool]] = {
    "garbled": _is_garbled,
    "markup": _has_markup,
    "copied": _is_copied,
    "long": _is_long,
    "lopsided": _is_lopsided,
    "wrong_language": _is_in_wrong_language,
}
KINDS = ("garbled", "markup", "duplicates", "copied", "long", "lopsided", "wrong_language")
"""Those of pairs, the quick ones first."""
