"""Chats take place on a day that their key tells, whatever the clock, the locale and chance say."""

import locale
from datetime import date, datetime, time

import pytest

from harness.errors import ConfigError
from harness.models.identity import model_identity
from harness.models.spec import ModelSpec
from harness.models.template_source import written_date
from harness.models.tokenizer import load_tokenizer
from harness.records import Message
from harness.settings.spec import validate
from tests.toys.retold import retold
from tests.toys.tiny import CHAT_TEMPLATE, save_tiny

ASKED = (Message("user", "The dog."),)
CHOSEN = date(2026, 11, 30)
MARKS = "aAbBCdDeFgGhHIjklmMnprRStTuUVwWyYX%"


def dated(head, chat_date=None):
    text = retold("llama", head + CHAT_TEMPLATE, chat_date=chat_date).render_chat(ASKED)
    assert text.endswith("<|user|>The dog.<|end|><|assistant|>")
    return text.removesuffix("<|user|>The dog.<|end|><|assistant|>")


@pytest.mark.parametrize(
    ("head", "default", "chosen"),
    [
        ("Today: {{ strftime_now('%d %b %Y') }}.", "Today: 26 Jul 2024.", "Today: 30 Nov 2026."),
        (
            '{% set now = strftime_now("%B %-d, %Y") %}{{ now }}',
            "July 26, 2024",
            "November 30, 2026",
        ),
        ("{{ strftime_now('%Y-%m-%d') }}", "2024-07-26", "2026-11-30"),
        ("{{ strftime_now('%A, %H:%M') }}", "Friday, 12:00", "Monday, 12:00"),
        ("{{ strftime_now('%Y') | int - 1 }}", "2023", "2025"),
        (
            "{% if strftime_now is defined %}{{ strftime_now('%d') }}{% else %}never{% endif %}",
            "26",
            "30",
        ),
        (
            "{% macro today() %}<{{ strftime_now('%d') }}>{% endmacro %}{{ today() }}",
            "<26>",
            "<30>",
        ),
        (
            "{% if not date_string is defined %}{% set date_string = '01 Mar 2025' %}{% endif %}"
            "{{ date_string }}",
            "01 Mar 2025",
            "30 Nov 2026",
        ),
        (
            "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}"
            "{% endif %}{{ date_string }}",
            "26 Jul 2024",
            "30 Nov 2026",
        ),
        ("{{ \"Today's date: \" + strftime_now('%d') }}", "Today's date: 26", "Today's date: 30"),
        ("{{ '}}' ~ strftime_now('%d') }}", "}}26", "}}30"),
        (
            "{% set f = {'a': {'b': strftime_now('%d')}} %}{{ f.a.b }}",
            "26",
            "30",
        ),
        ("{%- raw -%}{{ strftime_now }}{%- endraw -%}", "{{ strftime_now }}", None),
        ("strftime_now('%Y') of {# strftime_now #}", "strftime_now('%Y') of ", None),
        ("\n  Hi ", "\n  Hi ", None),
    ],
)
def test_a_template_that_writes_the_date_writes_the_one_of_the_setting(head, default, chosen):
    assert dated(head) == default
    assert dated(head, CHOSEN) == (default if chosen is None else chosen)


def test_white_space_before_the_template_stays_where_it_asks_for_the_date():
    assert dated("\n\n  {{ strftime_now('%d') }}") == "\n\n  26"
    assert dated("  {%- if true %}{{ strftime_now('%d') }}{% endif %}\n!") == "26!"


@pytest.mark.parametrize("day", [CHOSEN, date(2024, 2, 29), date(2025, 1, 1)])
def test_every_mark_of_a_date_is_what_strftime_makes_of_noon(day):
    assert locale.setlocale(locale.LC_TIME) == "C"
    noon = datetime.combine(day, time(12))
    for mark in MARKS:
        assert dated(f"{{{{ strftime_now('<%{mark}>') }}}}", day) == noon.strftime(f"<%{mark}>"), (
            mark
        )
    for mark in "deHIjmMSyU":
        expected = noon.strftime(f"<%-{mark}>")
        assert dated(f"{{{{ strftime_now('<%-{mark}>') }}}}", day) == expected, mark
    assert dated("{{ strftime_now('%%d is %d') }}", day) == noon.strftime("%%d is %d")


def test_prompts_are_the_same_on_the_next_day(monkeypatch):
    class Tomorrow(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2031, 1, 1, tzinfo=tz)

    head = "{{ strftime_now('%d %b %Y, %H:%M:%S') }}"
    today = dated(head)
    monkeypatch.setattr("transformers.utils.chat_template_utils.datetime", Tomorrow)
    assert dated(head) == today == "26 Jul 2024, 12:00:00"


def test_names_of_days_and_months_are_english_in_every_locale():
    before = locale.setlocale(locale.LC_TIME)
    others = [name for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8") if _is_there(name)]
    try:
        for name in others:
            locale.setlocale(locale.LC_TIME, name)
            assert dated("{{ strftime_now('%A %B %p %x') }}") == "Friday July PM 07/26/24"
    finally:
        locale.setlocale(locale.LC_TIME, before)


def _is_there(name):
    before = locale.setlocale(locale.LC_TIME)
    try:
        locale.setlocale(locale.LC_TIME, name)
    except locale.Error:
        return False
    locale.setlocale(locale.LC_TIME, before)
    return True


@pytest.mark.parametrize(
    "drawn",
    [
        "{{ ['a', 'b'] | random }}",
        "{{ lipsum(1) }}",
        "{{ ['a','b']|random|upper }}",
        "{% filter random %}ab{% endfilter %}",
        '{{ "it\'s" ~ [1, 2]|random }}',
    ],
)
def test_a_template_that_draws_at_random_is_refused(drawn):
    with pytest.raises(ConfigError, match="draws at random") as error:
        dated(drawn)
    assert "model.chat_template: FILE" in str(error.value)


def test_a_word_of_chance_in_its_text_is_no_chance():
    assert dated("{{ 'pick | random' }} lipsum(2)") == "pick | random lipsum(2)"
    assert dated("{{ {'random': 'x'}.random }}") == "x"
    assert dated("Pick random words. {{ 'x' if random is defined else 'y' }}").endswith("y")


def test_the_date_is_part_of_what_a_model_is_exactly_where_it_is_written(tmp_path):
    folder = save_tiny(tmp_path / "model")
    spec = ModelSpec(path=str(folder), device="cpu")
    chosen = spec.replace(chat_date=CHOSEN)
    assert model_identity(spec) == model_identity(chosen)
    (folder / "chat_template.jinja").write_text("{{ strftime_now('%d') }}" + CHAT_TEMPLATE)
    assert model_identity(spec)["chat_date"] == "2024-07-26"
    assert model_identity(chosen)["chat_date"] == "2026-11-30"
    assert load_tokenizer(chosen).render_chat(ASKED).startswith("30<|user|>")
    own = "{% if date_string %}{{ date_string }}{% endif %}"
    (folder / "chat_template.jinja").write_text(own + CHAT_TEMPLATE)
    assert "chat_date" not in model_identity(spec)
    assert model_identity(chosen)["chat_date"] == "2026-11-30"


def test_a_date_in_a_file_is_a_day_and_nothing_else():
    assert validate(ModelSpec, {"path": "m", "chat_date": "2026-11-30"}, "x").chat_date == CHOSEN
    for wrong in ("today", "30.11.2026", "2026-13-01", 20261130):
        with pytest.raises(ConfigError, match="chat_date"):
            validate(ModelSpec, {"path": "m", "chat_date": wrong}, "x")


def test_a_template_is_known_to_write_dates_by_its_code():
    assert written_date("strftime_now") is None
    assert written_date("{{ strftime_now_or_never }}") is None
    assert written_date("{{ m.strftime_now }}") is None
    assert written_date("{%- set d=strftime_now('%d') -%}", CHOSEN) == CHOSEN
