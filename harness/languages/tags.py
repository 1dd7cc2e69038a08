"""Language tags as files and people write them, as one BCP-47 tag each.

Common are two letters (``de``), three (``deu``, ``ger``), FLORES's (``deu_Latn``), and each of
them with a region (``de_AT``, ``DE-at``). What is none of them is refused: a tag nobody understands
would choose a wrong tokenizer or the wrong side of a file, and say nothing.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated, TypeAlias

import yaml
from pydantic import AfterValidator

_WITHDRAWN = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro"}
_NO_LANGUAGE = re.compile("mis|mul|und|zxx|q[a-t][a-z]")
"""Codes of three letters for none, several or unknown languages, and those for private use."""
_OTHER_NAMES = {
    "mandarin": "zh", "simplified chinese": "zh", "chinese (simplified)": "zh",
    "traditional chinese": "zh-Hant", "chinese (traditional)": "zh-Hant", "简体中文": "zh",
    "繁體中文": "zh-Hant", "brazilian portuguese": "pt-BR", "portuguese (brazil)": "pt-BR",
    "farsi": "fa", "flemish": "nl", "castilian": "es",
}  # fmt: skip
"""Names that people write beside the one of the table, by what they call."""
_COUNTRIES = {
    "cn": "zh", "cz": "cs", "dk": "da", "gb": "en", "gr": "el", "jp": "ja", "ua": "uk", "us": "en",
    "vn": "vi",
}  # fmt: skip
"""Codes of countries that are no codes of languages, and the language meant."""
_SCRIPTS = {
    "Arab": "ar fa ur ps sd ug ks ckb arz ary acm acq aeb ajp apc ars", "Aran": "", "Armn": "hy",
    "Beng": "bn as mni", "Bopo": "", "Brai": "", "Cans": "cr iu oj", "Cher": "chr",
    "Cyrl": "ru uk be bg mk sr kk ky tg mn tt ba cv ce os ab av kv cu", "Deva":
    "hi mr ne sa bho mai hne mag awa", "Ethi": "am ti", "Geor": "ka", "Grek": "el", "Gujr": "gu",
    "Guru": "pa", "Hang": "ko", "Hani": "", "Hans": "zh", "Hant": "yue", "Hebr": "he yi",
    "Java": "", "Jpan": "ja", "Khmr": "km", "Knda": "kn", "Kore": "ko", "Laoo": "lo", "Latn": "",
    "Mlym": "ml", "Mong": "", "Mtei": "", "Mymr": "my shn", "Nkoo": "nqo", "Olck": "sat",
    "Orya": "or", "Sinh": "si", "Syrc": "", "Taml": "ta", "Telu": "te", "Tfng": "tzm", "Thaa": "dv",
    "Thai": "th", "Tibt": "bo dz",
}  # fmt: skip
"""Codes of scripts (ISO 15924), each with the languages usually written in it; Latin: the rest."""
_USUAL = {language: code for code, tags in _SCRIPTS.items() for language in tags.split()}
_EXTENDED = {"zh", "ar", "ms"}
"""Languages behind which an individual one may stand: zh-yue."""
_TAIL = re.compile(
    r"(?:-(?P<extended>[a-z]{3}))?(?:-(?P<script>[a-z]{4}))?(?:-(?P<region>[a-z]{2}|\d{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-z0-9](?:-[a-z0-9]{2,8})+)*)"
)
ALLOWED = "allowed a language tag such as en, pt-BR, eng or eng_Latn"


@lru_cache(maxsize=2**12)
def language_tag(text: str) -> str | None:
    """A language as people tag it, as a BCP-47 tag with its shortest code; None of no tag.

    The script it is usually written in is left out.

    >>> [language_tag(tag) for tag in ("DEU", "pt_br", "zho_Hant", "eng_Latn", "Chinese", "xx")]
    ['de', 'pt-BR', 'zh-Hant', 'en', None, None]
    """
    language, dash, tail = text.strip().replace("_", "-").lower().partition("-")
    parts = _TAIL.fullmatch(dash + tail)
    code = _code(language)
    if code is None or parts is None:
        return None
    extended, script, region, rest = parts.groups()
    if extended is not None:
        code = _code(extended) if code in _EXTENDED else None
    if code is None or (script is not None and script.title() not in _SCRIPTS):
        return None
    kept = (script or "").title()
    kept = "" if kept in (_USUAL.get(code, "Latn"), *(["Hang"] if code == "ko" else [])) else kept
    return "-".join(filter(None, (code, kept, (region or "").upper()))) + rest


def checked_tag(text: str) -> str:
    """The tag a language is known by here.

    Raises:
        ValueError: It is no tag; the message names the tag that may be meant.
    """
    tag = language_tag(text)
    if tag is None:
        meant = tag_or_name(text) or _COUNTRIES.get(text.strip().lower())
        names = language_names()
        hint = f"; {meant} is {names.get(meant) or names[primary(meant)]}" if meant else ""
        raise ValueError(f"found {text!r}, {ALLOWED}{hint}")
    return tag


LanguageTag: TypeAlias = Annotated[str, AfterValidator(checked_tag)]
"""A language in a file of settings, by any of its tags."""


def tag_or_name(text: str) -> str | None:
    """The tag of a language named by a tag, in English, or as it calls itself; None of neither.

    >>> tag_or_name("German"), tag_or_name("deutsch"), tag_or_name("de"), tag_or_name("side")
    ('de', 'de', 'de', None)
    """
    return _by_name().get(text.strip().casefold()) or language_tag(text)


def primary(tag: str) -> str:
    """The language of a tag, without script and region.

    >>> primary("zh-Hant"), primary("tha_Thai")
    ('zh', 'th')
    """
    language = (language_tag(tag) or tag).partition("-")[0].lower()
    return {"no": "nb"}.get(language, language)


def same_language(tag: str, other: str) -> bool:
    """Whether two tags name one language, script and region left aside.

    >>> same_language("deu", "de-AT")
    True
    """
    return primary(tag) == primary(other)


def usual_script(language: str) -> str:
    """Code of the script (ISO 15924) that a language, by its shortest code, is written in."""
    return _USUAL.get(language, "Latn")


def english_name(tag: str) -> str | None:
    """The English name of a language; its region counts where it has a name. None of no language.

    >>> english_name("de-AT"), english_name("zh-Hant-HK"), english_name("xx")
    ('German', 'Traditional Chinese', None)
    """
    names = language_names()
    language, *parts = (language_tag(tag) or tag).split("-")
    name = next((names[key] for part in parts if (key := f"{language}-{part}") in names), None)
    return name or names.get(language)


@cache
def language_names() -> Mapping[str, str]:
    """English names by tag."""
    traditional = dict.fromkeys(("zh-Hant", "zh-TW", "zh-HK", "zh-MO"), "Traditional Chinese")
    written = {"zh-CN": "Chinese", **traditional}
    return {code: name for code, name, _, _ in _table()} | written


@cache
def _by_name() -> Mapping[str, str]:
    named = {own.casefold(): code for code, _, _, own in _table() if own}
    return named | {name.casefold(): code for code, name, _, _ in _table()} | _OTHER_NAMES


@cache
def _codes() -> Mapping[str, str]:
    codes = {code: code for code in language_names() if code.isalpha()}
    return codes | {other: code for code, _, others, _ in _table() for other in others} | _WITHDRAWN


def _code(language: str) -> str | None:
    """The shortest code; of three letters any that IANA's registry has (ISO 639-2, -3 and -5)."""
    if _NO_LANGUAGE.fullmatch(language):
        return None
    code = _codes().get(language)
    if code is None and re.fullmatch("[a-z]{3}", language):
        import langcodes  # of rare languages alone: it reads the whole registry

        return language if langcodes.tag_is_valid(language) else None
    return code


@cache
def _table() -> tuple[tuple[str, str, tuple[str, ...], str], ...]:
    """Code, English name, other codes and own name of each language."""
    return tuple(_entries())


def _entries() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    text = Path(__file__).with_suffix(".yaml").read_bytes()
    # all of it is text: `no` is Norwegian
    for code, entry in yaml.load(text, yaml.CBaseLoader).items():
        said, _, own = entry.partition(" = ")
        words = said.split()
        others = tuple(word for word in words if word.islower())
        yield code, " ".join(words[: len(words) - len(others)]), others, own
