"""Answering behind examples: what is shown to which item, where, and what becomes of it."""

import pytest

from harness.errors import DataError
from harness.evaluation.predict import predict, predict_stored
from harness.evaluation.shown import check_shown
from harness.models.answering.shown import Shown
from harness.models.limits import Limits
from harness.models.turns import answer_turns
from harness.records import Asked, Decoding, Message
from harness.storage.store import Store
from tests.evaluation.test_predict import ChoosingGenerator
from tests.fakes import ScriptedGenerator

GERMAN = [["en>de: the dog", "der Hund"], ["en>de: the cat", "die Katze"]]
ENGLISH = [["de>en: der Hund", "the dog"]]
SETTINGS = {
    "kind": "shown",
    "prompts": "translation",
    "directions": [
        {"source_lang": "en", "target_lang": "de", "turns": GERMAN},
        {"source_lang": "de", "target_lang": "en", "turns": ENGLISH},
    ],
    "others": ENGLISH,
}
ALL = {**SETTINGS, "prompts": "all"}
BEFORE = "<user>en>de: the dog<assistant>der Hund<user>en>de: the cat<assistant>die Katze"
OTHERS = "<user>de>en: der Hund<assistant>the dog"
TRANSLATION = {
    "id": "1",
    "prompt": "Translate: a cow",
    "source": "a cow",
    "target": "eine Kuh",
    "source_lang": "en",
    "target_lang": "de",
}
WORDS = [{"id": "1", "prompt": "What is a cow?", "target": "An animal."}]


def shown(**changes):
    settings = {name: value for name, value in SETTINGS.items() if name != "kind"}
    return Shown.model_validate({**settings, **changes})


def asked(text, language, source_lang=None, translation=True, **settings):
    messages = (Message("user", text),)
    return Asked(messages, language, translation, source_lang=source_lang, **settings)


def prompts_of(answering, *items):
    generator = ScriptedGenerator(lambda prompt: "Kuh")
    answer_turns(answering, generator, items, Decoding(20))
    return [prompt for prompts, _ in generator.calls for prompt in prompts]


@pytest.mark.parametrize(
    ("item", "before"),
    [
        (asked("?", "de", "en"), BEFORE),
        (asked("?", "de-AT", "en-US"), BEFORE),
        (asked("?", "en", "de"), OTHERS),
        (asked("?", "de"), OTHERS),
        (asked("?", "de", translation=False), ""),
    ],
    ids=["one way", "by other tags", "the other way", "of unknown languages", "no translation"],
)
def test_a_translation_is_asked_behind_examples_in_its_direction(item, before):
    assert prompts_of(shown(), item) == [f"{before}<user>?<assistant>"]


def test_what_asks_for_no_translation_is_shown_the_others_where_all_prompts_are():
    item = asked("?", "de", translation=False)
    assert prompts_of(shown(prompts="all"), item) == [f"{OTHERS}<user>?<assistant>"]


def test_the_system_turn_stays_first_and_a_conversation_stays_whole():
    turns = (("system", "Be brief."), ("user", "a"), ("assistant", "b"), ("user", "c"))
    item = Asked(tuple(Message(*turn) for turn in turns), "en", later=("d",))
    whole = f"<system>Be brief.{OTHERS}<user>a<assistant>b<user>c<assistant>"
    assert prompts_of(shown(prompts="all"), item) == [whole, f"{whole}Kuh<user>d<assistant>"]


def test_a_direction_without_examples_is_refused_with_those_there_are():
    with pytest.raises(DataError, match=r"translations en-cs, .* are of: en-de, de-en"):
        shown().turns(asked("?", "cs", "en"))


def test_a_benchmark_that_cannot_be_shown_anything_is_named_before_it_is_asked(benchmarks):
    czech = {**TRANSLATION, "target_lang": "cs"}
    benchmarks.write("mine/czech_validation", rows=[czech], block={"language": "cs"})
    benchmarks.write("mine/german_validation", rows=[TRANSLATION], block={"language": "de"})
    with pytest.raises(DataError) as caught:
        check_shown(SETTINGS, benchmarks.find())
    assert caught.value.message.splitlines() == [
        "mine/czech_validation: asks for translations en-cs, and examples to show are of: en-de, "
        "de-en"
    ]
    check_shown(None, benchmarks.find())
    check_shown({"kind": "plain"}, benchmarks.find())


def test_predictions_say_how_many_tokens_were_shown(benchmarks):
    benchmarks.write("mine/german_validation", rows=[TRANSLATION], block={"language": "de"})
    generator = ScriptedGenerator(lambda prompt: "eine Kuh")
    (found,) = predict(benchmarks.find(), generator, answering=SETTINGS).values()
    assert generator.calls[0][0] == [f"{BEFORE}<user>Translate: a cow<assistant>"]
    assert found[0].extra == {"shown_tokens": len(BEFORE)}
    assert (found[0].prompt, found[0].answer) == ("Translate: a cow", "eine Kuh")


def choices(benchmarks):
    benchmarks.write(
        "mine/animals_validation",
        rows=[{"id": "1", "prompt": "A cow?", "target": "Yes", "options": ["Yes", "No"]}],
        output_type="multiple_choice",
        doc_to_choice="{{options}}",
        doc_to_target="{{options.index(target)}}",
        drop=("generation_kwargs",),
        block={"metrics": ["choice_accuracy"], "summary": None},
    )


class Listening(ChoosingGenerator):
    """Keeps the contexts in which choices were compared."""

    def loglikelihoods(self, pairs):
        self.contexts = ["".join(map(chr, context)) for context, _ in pairs]
        return super().loglikelihoods(pairs)


@pytest.mark.parametrize(("settings", "before"), [(SETTINGS, ""), (ALL, OTHERS)])
def test_choices_are_compared_behind_the_examples_where_all_prompts_are(
    benchmarks, settings, before
):
    choices(benchmarks)
    generator = Listening(lambda prompt: "")
    (found,) = predict(benchmarks.find(), generator, answering=settings).values()
    assert generator.contexts == [f"{before}<user>A cow?<assistant>"] * 2
    assert found[0].extra.get("shown_tokens", 0) == 2 * len(before)


def test_what_does_not_fit_is_refused_before_anything_is_generated(benchmarks):
    benchmarks.write("mine/words_validation", rows=WORDS)
    benchmarks.write("mine/german_validation", rows=[TRANSLATION], block={"language": "de"})
    generator = ScriptedGenerator(lambda prompt: "?")
    plain = len("<user>Translate: a cow<assistant>")
    limits = Limits(None, plain + 80, is_fixed=False)
    with pytest.raises(DataError) as caught:
        predict(benchmarks.find(), generator, answering=SETTINGS, limits=limits)
    length = len(BEFORE) + plain
    assert caught.value.message.startswith(
        f"mine/german_validation: 1: {length} tokens and up to 60 of an answer, for a context of "
        f"{plain + 80}: it fits without the examples shown"
    )
    assert "variant.examples" in caught.value.hint
    assert generator.calls == []
    enough = Limits(None, length + 59, is_fixed=False)
    assert predict(benchmarks.find(), generator, answering=SETTINGS, limits=enough)


def test_what_is_shown_is_in_the_key_of_predictions_and_nothing_else_of_it(benchmarks, tmp_path):
    benchmarks.write("mine/words_validation", rows=WORDS)
    benchmarks.write("mine/german_validation", rows=[TRANSLATION], block={"language": "de"})
    store = Store(tmp_path / "store")

    def keys(answering):
        generator = ScriptedGenerator(lambda prompt: "?")
        built = predict_stored(
            benchmarks.find(), {"model": "m"}, store, lambda: generator, answering=answering
        )
        return {name: one.key for name, one in built.items()}

    plain, translations, everything = keys(None), keys(SETTINGS), keys(ALL)
    fewer = {**SETTINGS, "directions": [{**SETTINGS["directions"][0], "turns": GERMAN[:1]}]}
    words, german = "mine/words_validation", "mine/german_validation"
    assert plain[words] == translations[words] != everything[words]
    assert plain[german] != translations[german] == everything[german]
    assert keys(fewer)[german] not in (plain[german], translations[german])
    assert keys({**SETTINGS, "others": []}) == translations
