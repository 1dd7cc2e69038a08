"""What a chat template shows when its source is read: the variables it knows, dates, chance.

Jinja, as transformers renders it. A prompt may hold only what its key tells, so the clock of a
template stands still.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

from harness.errors import ConfigError

CHAT_DATE = date(2024, 7, 26)
"""On which chats take place unless ``model.chat_date`` says otherwise: the date that the templates
of Llama 3.1 and 3.2 write where nobody tells them one."""

_CLOCK, _DATE = "strftime_now", "date_string"
_CLOCK_MARKS = "aAbBcCdDeFgGhHIjklmMnprRSStTuUVwWxXyYzZ"
_PADDED = "deHIjklmMSUVWy"
_ENGLISH = {"c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S", "r": "%I:%M:%S %p"}
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_MONTHS = ["January", "February", "March", "April", "May", "June"]
_MONTHS += ["July", "August", "September", "October", "November", "December"]
_MACRO = (
    "{%- macro strftime_now(format) -%}{%- set text = namespace(value=format) -%}"
    "{%- for mark, part in harness_clock.items() -%}"
    "{%- set text.value = text.value | replace(mark, part) -%}"
    "{%- endfor -%}{{- text.value -}}{%- endmacro %}\n"
)
"""A clock that stands still; the line break behind it is Jinja's to take."""


def variables(template: str) -> set[str]:
    """The names in its code that are no attributes: variables, and what Jinja calls its own.

    >>> sorted(variables("now {# now #}{{ 'now' ~ date ~ turn.now }}"))
    ['date', 'turn']
    """
    return {name for name, before in _names(template) if before != "."}


def _names(template: str) -> Iterator[tuple[str, str]]:
    """Each name in the code, with the token before it; up to where a broken template breaks."""
    from jinja2 import Environment, TemplateSyntaxError  # not at once: it takes its time

    before = ""
    try:
        for _, kind, token in Environment().lex(template):
            if kind == "name":
                yield token, before
            before = before if kind == "whitespace" else token
    except TemplateSyntaxError:
        return  # whoever renders it says so


def written_date(template: str, chosen: date | None = None) -> date | None:
    """The date that its chats bear; None where it asks for none.

    A template with a date of its own keeps it unless another is chosen.

    >>> written_date("{{ strftime_now('%Y') }}")
    datetime.date(2024, 7, 26)
    >>> written_date("{% if date_string %}{{ date_string }}{% endif %}") is None
    True
    """
    words = variables(template)
    if _CLOCK in words:
        return chosen or CHAT_DATE
    return chosen if _DATE in words else None


def with_clock(template: str, chosen: date | None) -> tuple[str, Mapping[str, object]]:
    """The template with a clock that stands still, and the variables it needs.

    Raises:
        ConfigError: It draws at random.
    """
    drawn = next((name for name, before in _names(template) if _is_drawn(name, before)), None)
    if drawn is not None:
        raise ConfigError(
            f"the chat template draws at random ({drawn}): the same chat would be another prompt "
            "each time",
            "model.chat_template: FILE gives the model a template that does not",
        )
    day = written_date(template, chosen)
    if day is None:
        return template, {}
    told = {} if chosen is None else {_DATE: _formatted(day, "%d %b %Y")}
    if _CLOCK not in variables(template):
        return template, told
    return _MACRO + template, {"harness_clock": _clock(day), **told}


def _is_drawn(name: str, before: str) -> bool:
    return (name == "random" and before in ("|", "filter")) or (name == "lipsum" and before != ".")


def _clock(day: date) -> dict[str, str]:
    """What each mark of ``strftime`` stands for, at noon of a day, in English."""
    plain = {f"%{mark}": _formatted(day, f"%{mark}") for mark in _CLOCK_MARKS}
    bare = {f"%-{mark}": plain[f"%{mark}"].lstrip("0 ") or "0" for mark in _PADDED}
    return {"%%": "\0", **bare, **plain, "\0": "%"}


def _formatted(day: date, pattern: str) -> str:
    """As ``strftime`` in English, whatever the locale and the time zone of this machine."""
    for mark, longer in _ENGLISH.items():
        pattern = pattern.replace(f"%{mark}", longer)
    weekday, month = _DAYS[day.weekday()], _MONTHS[day.month - 1]
    names = {"A": weekday, "a": weekday[:3], "B": month, "b": month[:3], "h": month[:3], "p": "PM"}
    for mark, name in names.items():
        pattern = pattern.replace(f"%{mark}", name)
    return datetime.combine(day, time(12)).strftime(pattern)
