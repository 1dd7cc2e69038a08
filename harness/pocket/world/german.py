"""German inflection: determiners, adjective endings, noun phrases by gender, case and number."""

from harness.pocket.world.lexicon import Adjective, Case, Gender, Noun

_DEFINITE: dict[tuple[Gender, Case], str] = {
    ("m", "nom"): "er", ("f", "nom"): "ie", ("n", "nom"): "as",
    ("m", "acc"): "en", ("f", "acc"): "ie", ("n", "acc"): "as",
    ("m", "dat"): "em", ("f", "dat"): "er", ("n", "dat"): "em",
}  # fmt: skip
_DEMONSTRATIVE: dict[tuple[Gender, Case], str] = {
    ("m", "nom"): "er", ("f", "nom"): "e", ("n", "nom"): "es",
    ("m", "acc"): "en", ("f", "acc"): "e", ("n", "acc"): "es",
    ("m", "dat"): "em", ("f", "dat"): "er", ("n", "dat"): "em",
}  # fmt: skip
_INDEFINITE: dict[tuple[Gender, Case], str] = {
    ("m", "nom"): "", ("f", "nom"): "e", ("n", "nom"): "",
    ("m", "acc"): "en", ("f", "acc"): "e", ("n", "acc"): "",
    ("m", "dat"): "em", ("f", "dat"): "er", ("n", "dat"): "em",
}  # fmt: skip

DETERMINERS: dict[str, str] = {"the": "der", "a": "ein", "this": "dieser", "my": "mein"}
"""English determiner to the German dictionary form."""


def determiner(english: str, gender: Gender, case: Case) -> str:
    """The German determiner in the singular.

    >>> determiner("the", "m", "acc"), determiner("my", "f", "dat")
    ('den', 'meiner')
    """
    key = (gender, case)
    if english == "the":
        return "d" + _DEFINITE[key]
    if english == "this":
        return "dies" + _DEMONSTRATIVE[key]
    return ("ein" if english == "a" else "mein") + _INDEFINITE[key]


def adjective_ending(english_determiner: str, gender: Gender, case: Case) -> str:
    """Weak endings after der and dieser, mixed ones after ein and mein (singular)."""
    if case == "dat" or (gender == "m" and case == "acc"):
        return "en"
    if english_determiner in ("the", "this"):
        return "e"
    return {"m": "er", "f": "e", "n": "es"}[gender]


def adjective(word: Adjective, ending: str) -> str:
    """The adjective with its ending.

    >>> adjective(Adjective("expensive", "teuer", "cheap", "", "teur"), "es")
    'teures'
    """
    return (word.stem or word.de) + ending


def plural(noun: Noun, case: Case) -> str:
    """The plural; the dative adds -n unless the plural ends in n or s."""
    form = noun.de_plural
    return form + "n" if case == "dat" and form[-1] not in "ns" else form
