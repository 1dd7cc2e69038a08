"""Which language a text is in: lingua, offline, among few languages, silent when it is not sure.

Short texts ("Toral.", "42", "Ja.") fit many languages, and names fit all. So the question asked is
never "which language is this?" but "is this clearly *not* the wanted language?", and a text that is
too short to tell counts as being in it. Only the script is judged whatever the length. Function
words have a say where names outweigh everything else.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache

from lingua import IsoCode639_1, LanguageDetector, LanguageDetectorBuilder

from harness.errors import EvaluationError
from harness.languages.function_words import FUNCTION_WORDS
from harness.languages.tags import primary

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


USUAL_LANGUAGES = ("ar", "cs", "de", "en", "es", "fr", "ja", "ko", "ru", "th", "zh")
"""Languages an answer may be in where nobody says which: tags, in the order of signatures."""


def is_other_language(text: str, tag: str, candidates: Iterable[str]) -> bool:
    """Whether a text is clearly in another language than the wanted one.

    Args:
        text: Any text; an empty or very short one is never in another language.
        tag: BCP-47 tag of the language wanted.
        candidates: BCP-47 tags of the languages it may be in.

    Raises:
        EvaluationError: A language the identifier does not know.
    """
    language = primary(tag)
    tags = frozenset({language, *map(primary, candidates)})
    _check_known(tags)
    script = _script_of(text)
    if script is not None and script not in _SCRIPTS.get(language, {"LATIN"}):
        if script == "LATIN" and _script_of(_without_names(text)) in _SCRIPTS[language]:
            return False
        # a name or a number with a unit may stand in Latin letters in any language
        return script != "LATIN" or _is_long_enough(text)
    if len(tags) == 1 or not _is_long_enough(text):
        return False
    if language in _SCRIPTS and script not in {"CYRILLIC", "CJK"}:
        return False
    lower = text.lower()
    if _has_own_words(lower, language, tags):
        return False
    beliefs = dict(_beliefs(lower, tags))
    belief = 1.0 - beliefs.pop(language)
    own, foreign = _function_words(_words(lower), language, max(beliefs, key=beliefs.__getitem__))
    if own > foreign:
        return False
    return belief >= (_LIKELY if foreign >= _TELLING and not own else _SURE)


@lru_cache(maxsize=2**15)
def _beliefs(lower: str, tags: frozenset[str]) -> tuple[tuple[str, float], ...]:
    """Belief in each language; several metrics ask of one text, and trials give equal answers."""
    values = _detector(tags).compute_language_confidence_values(lower)
    return tuple((value.language.iso_code_639_1.name.lower(), value.value) for value in values)


def _has_own_words(lower: str, language: str, tags: frozenset[str]) -> bool:
    """Whether its function words outnumber every rival's: then it is no other language's text.

    That is what is asked of the likeliest rival; asking it of all is a tenth of the time.
    """
    words = _words(lower)
    counts = (_function_words(words, language, rival) for rival in tags - {language})
    return all(own > foreign for own, foreign in counts)


def _words(lower: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", lower)


def _function_words(words: Sequence[str], language: str, rival: str) -> tuple[int, int]:
    """How many function words a text has of one language and not the other, and the reverse."""
    own, foreign = _distinct(language, rival), _distinct(rival, language)
    return sum(word in own for word in words), sum(word in foreign for word in words)


@cache
def _distinct(language: str, rival: str) -> frozenset[str]:
    none: frozenset[str] = frozenset()
    return FUNCTION_WORDS.get(language, none) - FUNCTION_WORDS.get(rival, none)


def rules(languages: Iterable[str]) -> str:
    """What a signature says of the rules for the languages wanted, beside their version.

    Names in Latin letters once made Thai and Chinese news another language where they are most of
    its letters; scores of then and now are told apart.
    """
    return "" if all(map(is_latin, languages)) else "|names:apart"


def _without_names(text: str) -> str:
    """A text without its capitalised words in Latin letters: names, in text of other scripts."""
    return re.sub(r"[A-Za-z\u00c0-\u024f]+", lambda run: run[0] * run[0][0].islower(), text)


def has_script_of(text: str, language: str, share: float) -> bool:
    """Whether this share of a text's letters is in the script of a language, or more.

    True without letters. Among ideographs names of other scripts take many letters each, so a
    text may have few letters of its own script and yet be in its language.
    """
    own = _SCRIPTS.get(primary(language), {"LATIN"})
    if "KANA" in own:
        own = own | {"HIRAGANA", "KATAKANA"}
    letters = [character for character in text if character.isalpha()]
    found = sum(unicodedata.name(one, "").partition(" ")[0] in own for one in letters)
    return found >= share * len(letters)


def has_no_blanks(texts: Iterable[str]) -> bool:
    """Whether texts are mostly in a script that puts no blanks between words.

    >>> has_no_blanks(["สวัสดี", "Hi"]), has_no_blanks(["Hello there", "狗"])
    (True, False)
    """
    return _script_of(" ".join(texts)) in {"THAI", "CJK", "KANA"}


def is_latin(language: str) -> bool:
    """Whether a language is written in Latin letters."""
    return primary(language) not in _SCRIPTS


def knows(language: str) -> bool:
    """Whether the identifier knows the language of a BCP-47 tag."""
    return primary(language) in _codes()


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
    codes = [_codes()[tag] for tag in sorted(tags)]
    return LanguageDetectorBuilder.from_iso_codes_639_1(*codes).build()


@cache
def _codes() -> dict[str, IsoCode639_1]:
    return {name.lower(): code for name, code in vars(IsoCode639_1).items() if name.isupper()}
