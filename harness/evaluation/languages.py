"""Which language a text is in: lingua, offline, among few languages, silent when it is not sure.

Short texts ("Toral.", "42", "Ja.") fit many languages, and names fit all. So the question asked is
never "which language is this?" but "is this clearly *not* the wanted language?", and a text that is
too short to tell counts as being in it. Only the script is judged whatever the length. Function
words have a say where names outweigh everything else.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from harness.errors import EvaluationError
from harness.evaluation.function_words import FUNCTION_WORDS

MIN_WORDS = 2
MIN_LETTERS = 10
_SURE = 0.75
"""Belief in other languages from which a text is called one of them."""
_LIKELY = 0.5
_TELLING = 2
"""The same where it has so many function words of another language and none of the wanted one."""

# Languages of other scripts than Latin's: the script alone tells, whatever the length.
_SCRIPTS = {
    "ar": {"ARABIC"}, "fa": {"ARABIC"}, "ur": {"ARABIC"}, "he": {"HEBREW"}, "hi": {"DEVANAGARI"},
    "el": {"GREEK"}, "ru": {"CYRILLIC"}, "uk": {"CYRILLIC"}, "bg": {"CYRILLIC"}, "th": {"THAI"},
    "zh": {"CJK"}, "ja": {"CJK", "KANA"}, "ko": {"HANGUL", "CJK"},
}  # fmt: skip
_KNOWN_SCRIPTS = frozenset({"LATIN"}).union(*_SCRIPTS.values())


def primary(tag: str) -> str:
    """The language of a BCP-47 tag.

    >>> primary("zh-Hant")
    'zh'
    """
    language = tag.partition("-")[0].lower()
    return {"no": "nb"}.get(language, language)


def is_other_language(text: str, wanted: str, candidates: Iterable[str]) -> bool:
    """Whether a text is clearly in another language than the wanted one.

    Args:
        text: Any text; an empty or very short one is never in another language.
        wanted: BCP-47 tag.
        candidates: BCP-47 tags of the languages it may be in.

    Raises:
        EvaluationError: A language the identifier does not know.
    """
    language = primary(wanted)
    tags = frozenset({language, *map(primary, candidates)})
    _check_known(tags)
    script = _script_of(text)
    if script is not None and script not in _SCRIPTS.get(language, {"LATIN"}):
        # a name or a number with a unit may stand in Latin letters in any language
        return script != "LATIN" or _is_long_enough(text)
    if len(tags) == 1 or not _is_long_enough(text):
        return False
    if language in _SCRIPTS and script not in {"CYRILLIC", "CJK"}:
        return False
    lower = text.lower()
    beliefs = dict(_beliefs(lower, tags))
    belief = 1.0 - beliefs.pop(language)
    own, foreign = _function_words(lower, language, max(beliefs, key=beliefs.__getitem__))
    if own > foreign:
        return False
    return belief >= (_LIKELY if foreign >= _TELLING and not own else _SURE)


@lru_cache(maxsize=2**15)
def _beliefs(lower: str, tags: frozenset[str]) -> tuple[tuple[str, float], ...]:
    """Belief in each language; several metrics ask of one text, and trials give equal answers."""
    values = _detector(tags).compute_language_confidence_values(lower)
    return tuple((value.language.iso_code_639_1.name.lower(), value.value) for value in values)


def _function_words(lower: str, language: str, rival: str) -> tuple[int, int]:
    """How many function words a text has of one language and not the other, and the reverse."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", lower)
    none: frozenset[str] = frozenset()
    first, second = (FUNCTION_WORDS.get(tag, none) for tag in (language, rival))
    return sum(word in first - second for word in words), sum(
        word in second - first for word in words
    )


def _is_long_enough(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    return letters >= MIN_LETTERS and len(text.split()) >= MIN_WORDS


def _script_of(text: str) -> str | None:
    """The script of most letters of a text; None when no script known here has most."""
    counts = Counter(
        unicodedata.name(character, "").partition(" ")[0]
        for character in text
        if character.isalpha()
    )
    if not counts:
        return None
    kana = counts.pop("HIRAGANA", 0) + counts.pop("KATAKANA", 0)
    if kana:  # Japanese: ideographs among kana, which no other language has
        counts["KANA"] = kana + counts.pop("CJK", 0)
    script, count = counts.most_common(1)[0]
    return script if script in _KNOWN_SCRIPTS and count > counts.total() / 2 else None


@cache
def _check_known(tags: frozenset[str]) -> None:
    unknown = sorted(tags - set(_codes()))
    if unknown:
        raise EvaluationError(
            f"language identification does not know {', '.join(unknown)} "
            f"(known: {', '.join(sorted(_codes()))})"
        )


@cache
def _detector(tags: frozenset[str]) -> LanguageDetector:
    codes = _codes()
    return LanguageDetectorBuilder.from_iso_codes_639_1(
        *(codes[tag] for tag in sorted(tags))
    ).build()


@cache
def _codes() -> dict[str, IsoCode639_1]:
    return {name.lower(): code for name, code in vars(IsoCode639_1).items() if name.isupper()}
