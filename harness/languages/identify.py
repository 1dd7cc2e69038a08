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
from harness.languages.tags import language_tag, primary, usual_script

RULE_VERSION = 4
"""Of what is called another language: since 2 names in Latin letters do not make Thai one, since 3
scripts without blanks, alphabets of several languages and names alone are judged, since 4 function
words are no evidence against a language of which none are known, and addresses none of any."""
MIN_WORDS = 2
MIN_LETTERS = 10
_BETWEEN_NAMES = frozenset({"v", "vs"})
"""What stands between names in any language."""
_SURE = 0.75
"""Belief in other languages from which a text is called one of them."""
_LIKELY = 0.5
_TELLING = 2
"""The same where it has so many function words of another language and none of the wanted one."""

_CERTAIN = 0.95
"""The same of the likeliest other one where every word is written as a name is, or where function
words speak for the language wanted and none of the other one are known."""

_SCRIPT_NAMES = {
    "Arab": "ARABIC", "Armn": "ARMENIAN", "Beng": "BENGALI", "Cyrl": "CYRILLIC",
    "Deva": "DEVANAGARI", "Ethi": "ETHIOPIC", "Geor": "GEORGIAN", "Grek": "GREEK",
    "Gujr": "GUJARATI", "Guru": "GURMUKHI", "Hang": "HANGUL", "Hebr": "HEBREW", "Khmr": "KHMER",
    "Knda": "KANNADA", "Laoo": "LAO", "Latn": "LATIN", "Mlym": "MALAYALAM", "Mymr": "MYANMAR",
    "Orya": "ORIYA", "Sinh": "SINHALA", "Taml": "TAMIL", "Telu": "TELUGU", "Thai": "THAI",
    "Tibt": "TIBETAN",
}  # fmt: skip
"""First word of the names of a script's letters in Unicode, by the script's code."""
_IN_IDEOGRAPHS = {"zh": {"CJK"}, "yue": {"CJK"}, "ja": {"CJK", "KANA"}, "ko": {"HANGUL", "CJK"}}
_SECOND_SCRIPT = {
    "az": "CYRILLIC", "bs": "CYRILLIC", "kk": "LATIN", "mn": "MONGOLIAN", "ms": "ARABIC",
    "pa": "ARABIC", "sr": "LATIN", "tg": "ARABIC", "uz": "CYRILLIC",
}  # fmt: skip
"""Of languages written in either of two scripts, the rarer one."""
_KNOWN_SCRIPTS = frozenset({*_SCRIPT_NAMES.values(), "CJK", "KANA", "MONGOLIAN"})
_CHINESE_ALONE = frozenset("们們这你您她吗嗎吧啊沒说给让么麼谁哪怎还过个")
"""Frequent characters of Chinese that Japanese has not, or hardly."""
_MIN_IDEOGRAPHS = {"ja": 12, "ko": 6}
"""Ideographs that are no Japanese, or Korean, where nothing else stands among them."""


USUAL_LANGUAGES = ("ar", "cs", "de", "en", "es", "fr", "ja", "ko", "ru", "th", "zh")
"""Languages an answer may be in where nobody says which: tags, in the order of signatures."""

_NEIGHBOURS = {
    "af": "nl", "ar": "fa ur", "az": "tr", "be": "ru uk", "bg": "mk ru sr", "ca": "es fr", "cs":
    "pl sk", "da": "nb sv", "de": "nl", "es": "ca pt", "et": "fi", "fa": "ar ur", "fi": "et", "hi":
    "mr", "hr": "sl", "it": "es pt ro", "lt": "lv", "lv": "lt", "mk": "bg sr", "mr": "hi", "nb":
    "da sv", "nl": "af de", "nn": "da sv", "pl": "cs sk", "pt": "es", "ro": "it", "ru": "bg uk",
    "sk": "cs pl", "sl": "hr", "sr": "bg mk", "sv": "da nb", "tr": "az", "uk": "be ru", "ur":
    "ar fa",
}  # fmt: skip
"""Languages whose text is taken for each; not those that short texts do not tell apart from it."""


_ADDRESSES = re.compile(r"https?://\S+|www\.\S+|[\w.+-]*@[\w.-]+")
"""Addresses and users' names, which are of no language."""


def neighbours(tag: str) -> tuple[str, ...]:
    """Languages that an answer is likely to be in when it is not in the one wanted.

    >>> neighbours("de-AT"), neighbours("uk")
    (('nl',), ('be', 'ru'))
    """
    return tuple(_NEIGHBOURS.get(primary(tag), "").split())


def is_other_language(text: str, tag: str, candidates: Iterable[str]) -> bool:
    """Whether a text is clearly in another language than the wanted one.

    Args:
        text: Any text; an empty or very short one is never in another language.
        tag: BCP-47 tag of the language wanted.
        candidates: BCP-47 tags of the languages it may be in.

    Raises:
        EvaluationError: A language the identifier does not know.
    """
    text = _ADDRESSES.sub(" ", text)
    language, own = primary(tag), _scripts_of(tag)
    tags = frozenset({language, *map(primary, candidates)})
    _check_known(tags)
    script = _script_of(text)
    if script is not None and script not in own:
        if script != "LATIN":
            return True
        # a name or a number with a unit may stand in Latin letters in any language
        rest = _without_names(text)
        is_worded = not _BETWEEN_NAMES.issuperset(_words(rest))
        return is_worded and _script_of(rest) == "LATIN" and _is_long_enough(text)
    return _is_other_of_one_script(text, language, tags, script)


def _is_other_of_one_script(
    text: str, language: str, tags: frozenset[str], script: str | None
) -> bool:
    """As ``is_other_language``, of a text in the script wanted, or in none that is known."""
    if script == "CJK":
        return language in _MIN_IDEOGRAPHS and _is_chinese(text, _MIN_IDEOGRAPHS[language])
    if script == _SECOND_SCRIPT.get(language):
        return False  # the identifier knows such a language in its first one alone
    rivals = {tag for tag in tags - {language} if script is None or script in _scripts_of(tag)}
    if not rivals or not _is_long_enough(text):
        return False
    lower = text.lower()
    if FUNCTION_WORDS.keys() >= set(neighbours(language)) and _has_own_words(lower, language, tags):
        return False
    beliefs = dict(_beliefs(lower, tags))
    belief = 1.0 - beliefs.pop(language)
    rival = max(beliefs, key=beliefs.__getitem__)
    own, foreign = _function_words(_words(lower), language, rival)
    is_certain = beliefs[rival] >= _CERTAIN
    if own > foreign and (rival in FUNCTION_WORDS or not is_certain):
        return False
    if not is_certain and _is_names_alone(text, (language, rival)):
        return False
    is_told = language in FUNCTION_WORDS and foreign >= _TELLING and not own
    return belief >= (_LIKELY if is_told else _SURE)


def _is_chinese(text: str, least: int) -> bool:
    """Whether ideographs are no Japanese or Korean: by characters of Chinese, or by their number.

    Neither is written in them alone for long.
    """
    letters = [character for character in text if character.isalpha()]
    if {"HIRAGANA", "KATAKANA", "HANGUL"} & set(map(_script, letters)):
        return False
    return len(letters) >= least or not _CHINESE_ALONE.isdisjoint(letters)


@lru_cache(maxsize=2**10)
def _scripts_of(tag: str) -> frozenset[str]:
    """Scripts a language is written in, or the one its tag names."""
    named = [part.title() for part in (language_tag(tag) or tag).split("-")[1:] if len(part) == 4]
    if named and named[0] in _SCRIPT_NAMES:
        return frozenset({_SCRIPT_NAMES[named[0]]})
    language = primary(tag)
    if language in _IN_IDEOGRAPHS:
        return frozenset(_IN_IDEOGRAPHS[language])
    usual = _SCRIPT_NAMES.get(usual_script(language), "LATIN")
    return frozenset({usual, _SECOND_SCRIPT.get(language, usual)})


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


def _without_names(text: str) -> str:
    """A text without its words in Latin letters that have a capital: names, and those of models.

    >>> _without_names("iPhone 15 Pro Max von Apple")
    '    von '
    """
    if _is_shouted(text):
        return text
    return re.sub(
        r"[0-9A-Za-z\u00c0-\u024f]+",
        lambda run: run[0] * (run[0].isalpha() and run[0].islower()),
        text,
    )


def _is_names_alone(text: str, languages: Iterable[str]) -> bool:
    """Whether every word has a capital, and none is a function word of one of the languages."""
    words = [
        word for word in re.findall(r"\w+", text) if word.isalpha() and word not in _BETWEEN_NAMES
    ]
    if _is_shouted(text) or len(words) > _MOST_NAMES:
        return False
    common = {word for tag in languages for word in FUNCTION_WORDS.get(tag, ())}
    return all(word != word.lower() and word.lower() not in common for word in words)


_MOST_NAMES = 8
_MOST_ACRONYMS = 3


def _is_shouted(text: str) -> bool:
    """Whether all of a text is in capitals, which tell nothing of names then."""
    return text.isupper() and len(text.split()) > _MOST_ACRONYMS


def has_script_of(text: str, language: str, share: float) -> bool:
    """Whether this share of a text's letters is in the script of a language, or more.

    True without letters. Among ideographs names of other scripts take many letters each, so a
    text may have few letters of its own script and yet be in its language.
    """
    own = _scripts_of(language)
    if "KANA" in own:
        own = own | {"HIRAGANA", "KATAKANA"}
    letters = [character for character in text if character.isalpha()]
    found = sum(_script(one) in own for one in letters)
    return found >= share * len(letters)


def has_no_blanks(texts: Iterable[str]) -> bool:
    """Whether texts are mostly in a script without blanks between words, and have none there.

    What was split into words beforehand has them.

    >>> has_no_blanks(["สวัสดีครับ", "Hi"]), has_no_blanks(["Hello there", "狗"])
    (True, False)
    >>> has_no_blanks(["今天天气很好"]), has_no_blanks(["今天 天气 很 好"])
    (True, False)
    """
    counted = [
        [Counter(map(_script, filter(_is_letter, run))) for run in text.split()] for text in texts
    ]
    letters = sum(run.total() for text in counted for run in text)
    for unspaced, longest_word in ((_IDEOGRAPHS, 4), (_SYLLABLES, 8)):
        sizes = [[sum(run[name] for name in unspaced) for run in text] for text in counted]
        own = [list(filter(None, text)) for text in sizes]
        runs, total = sum(map(len, own)), sum(map(sum, own))
        is_one_run = runs <= _ONE_RUN * sum(map(bool, own))
        if 2 * total > letters and (total >= longest_word * runs or is_one_run):
            return True
    return False


_ONE_RUN = 1.1
"""Runs between blanks to a text up to which texts, short ones say, have no blanks."""
_IDEOGRAPHS = ("CJK", "HIRAGANA", "KATAKANA", "YI", "NUSHU", "TANGUT")
_SYLLABLES = (
    *("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "JAVANESE", "BALINESE", "SUNDANESE"),
    *("TAI", "NEW", "CHAM", "BUGINESE"),
)
"""Scripts without blanks, by the first word of their letters' names."""


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LM"


def _script(character: str) -> str:
    return unicodedata.name(character, "").partition(" ")[0]


def is_latin(language: str) -> bool:
    """Whether a language is written in Latin letters."""
    return "LATIN" in _scripts_of(language)


def knows(language: str) -> bool:
    """Whether the identifier knows the language of a BCP-47 tag."""
    return primary(language) in _codes()


def _is_long_enough(text: str) -> bool:
    letters = sum(character.isalpha() for character in text)
    return letters >= MIN_LETTERS and (len(text.split()) >= MIN_WORDS or has_no_blanks([text]))


def _script_of(text: str) -> str | None:
    """The script of most letters of a text; None when no script known here has most."""
    counts = Counter(map(_script, filter(str.isalpha, text)))
    if not counts:
        return None
    kana = counts.pop("HIRAGANA", 0) + counts.pop("KATAKANA", 0)
    # Japanese: ideographs among kana, which no other language has but in a name
    counts["KANA" if kana * _KANA_IN_A_NAME > counts["CJK"] else "CJK"] += kana
    if "KANA" in counts:
        counts["KANA"] += counts.pop("CJK", 0)
    script, count = counts.most_common(1)[0]
    return script if script in _KNOWN_SCRIPTS and count > counts.total() / 2 else None


_KANA_IN_A_NAME = 10
"""Ideographs to a kana from which on Chinese may quote a name of Japan."""


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
