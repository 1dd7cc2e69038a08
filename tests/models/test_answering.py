import pytest

from harness.errors import DataError
from harness.evaluation.predict import predict, predict_stored, stage_of
from harness.models.answering.plain import Plain
from harness.models.answering.tags import Tags
from harness.models.turns import answer_turns
from harness.records import Answer, Asked, Decoding, Generation, Message
from harness.storage.store import Store
from tests.fakes import END, ScriptedGenerator

TAGS = Tags(pivot="en")
SETTINGS = {"kind": "tags", "pivot": "en"}
CHAIN = "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe."
DECODING = Decoding(20)


def asked(text="Was ist rot?", language="de", **settings):
    return Asked((Message("user", text),), language, **settings)


def speaker(**speeches):
    """To the turn that ends in a word, says that word's texts one after another, call by call."""

    def script(prompt):
        chat, _, said = prompt.rpartition("<assistant>")
        texts = next(texts for word, texts in speeches.items() if chat.endswith(f"{word}?"))
        return next((text for text in texts if text not in said), "")

    return ScriptedGenerator(script)


def answer(*texts, tags=TAGS, **settings):
    generator = speaker(rot=texts)
    (found,) = tags.answer(generator, [asked(**settings)], DECODING)
    return found, generator


def test_the_answer_of_a_whole_chain_follows_its_last_tag():
    found, generator = answer(CHAIN)
    assert (found.text, found.generation.text) == ("Eine Farbe.", CHAIN)
    assert found.generation.token_ids == (*map(ord, CHAIN), END)
    assert (found.facts, found.generation.finished) == ({"forced_tags": 0}, True)
    assert len(generator.calls) == 1


@pytest.mark.parametrize(
    ("texts", "whole", "forced"),
    [
        (
            ["<EN> What is red? <RESPONSE> A colour.", " Eine Farbe."],
            "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe.",
            1,
        ),
        (
            ["<EN> What is red?", " A colour. <DE> Eine Farbe."],
            "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe.",
            1,
        ),
        (
            ["<EN> What is red?", " A colour.", " Eine Farbe."],
            "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe.",
            2,
        ),
        (
            ["Rot!", " What is red? <RESPONSE> A colour. <DE> Eine Farbe."],
            "Rot! <EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe.",
            1,
        ),
        (
            ["<RESPONSE> A colour.", " Eine Farbe."],
            "<RESPONSE> A colour. <DE> Eine Farbe.",
            1,
        ),
    ],
    ids=["the last", "the middle", "two", "the first", "only what follows the last that is there"],
)
def test_a_missing_tag_is_appended_and_the_model_goes_on(texts, whole, forced):
    found, generator = answer(*texts)
    assert (found.text, found.generation.text) == ("Eine Farbe.", whole)
    assert found.generation.token_ids == (*map(ord, whole), END)
    assert found.facts == {"forced_tags": forced}
    prompts = [call[0][0] for call in generator.calls]
    assert len(prompts) == forced + 1
    assert prompts[0] == "<user>Was ist rot?<assistant>"
    assert prompts[-1] == prompts[0] + whole.removesuffix(texts[-1])


def test_a_model_that_says_nothing_is_given_every_tag_and_ends():
    found, generator = answer()
    assert found.generation.text == "<EN> <RESPONSE> <DE>"
    assert (found.text, found.facts, len(generator.calls)) == ("", {"forced_tags": 3}, 4)


def test_a_question_in_the_pivot_wants_the_response_tag_alone():
    found, generator = answer("Red.", " A colour.", language="en")
    assert found.generation.text == "Red. <RESPONSE> A colour."
    assert (found.text, found.facts) == ("A colour.", {"forced_tags": 1})
    assert len(generator.calls) == 2


@pytest.mark.parametrize("settings", [{"translation": True}, {"language": "fr"}])
def test_translations_and_other_languages_are_answered_plainly(settings):
    found, generator = answer("Rouge.", tags=Tags(pivot="en", language="de"), **settings)
    assert (found.text, found.facts) == ("Rouge.", {})
    assert [decoding for _, decoding in generator.calls] == [DECODING]


def test_items_are_answered_together_and_only_those_that_lack_a_tag_once_more():
    generator = speaker(
        rot=[CHAIN],
        Rot=["Red."],
        zwei=["<EN> Two?", " Two.", " Zwei."],
        drei=["<EN> Three?", " Three. <DE> Drei."],
    )
    items = [asked(), asked("Rot?", translation=True), asked("zwei?"), asked("drei?")]
    found = TAGS.answer(generator, items, DECODING)
    assert [one.text for one in found] == ["Eine Farbe.", "Red.", "Zwei.", "Drei."]
    assert [len(prompts) for prompts, _ in generator.calls] == [1, 3, 2, 1]


def test_the_limit_holds_for_the_answer_and_the_chain_has_tokens_of_its_own():
    found, generator = answer(CHAIN, tags=Tags(pivot="en", chain_tokens=60))
    assert generator.calls[0][1] == Decoding(80)
    assert (found.text, found.generation.finished) == ("Eine Farbe.", True)
    long = "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe unter vielen Farben."
    found, _ = answer(long)
    assert (found.text, found.generation.finished) == ("Eine Farbe unter vie", False)
    assert found.generation.text == long


def test_a_chain_cut_at_its_limit_goes_on_behind_the_tag_it_lacks():
    generator = ScriptedGenerator(lambda prompt: "<EN> What is red?")
    (found,) = Tags(pivot="en", chain_tokens=0).answer(generator, [asked()], Decoding(8))
    assert found.generation.text == "<EN> Wha <RESPONSE><EN> Wha <DE><EN> Wha"
    assert (found.text, found.generation.finished) == ("<EN> Wha", False)


def test_an_earlier_turn_is_remembered_in_the_pivot():
    said = Answer(Generation((), CHAIN, True), "Eine Farbe.")
    assert TAGS.remembered(asked(), said) == (
        Message("user", "What is red?"),
        Message("assistant", "A colour."),
    )


@pytest.mark.parametrize(
    ("output", "settings"),
    [
        (CHAIN, {"translation": True}),
        ("<RESPONSE> A colour.", {"language": "en"}),
        ("<RESPONSE> A colour. <EN> What? <DE> Eine Farbe.", {}),
        ("<RESPONSE> A colour. <DE> Eine Farbe.", {}),
    ],
    ids=["a translation", "the pivot", "tags out of order", "a tag not there"],
)
def test_a_turn_without_the_whole_chain_is_remembered_as_it_was(output, settings):
    said = Answer(Generation((), output, True), "Eine Farbe.")
    assert TAGS.remembered(asked(**settings), said) == (
        Message("user", "Was ist rot?"),
        Message("assistant", "Eine Farbe."),
    )


def test_the_second_turn_is_asked_behind_the_first_in_the_pivot():
    generator = speaker(rot=[CHAIN], blau=["<EN> And blue?", " A colour.", " Eine Farbe."])
    items = [asked(), asked(later=("Und blau?",)), asked("Was ist blau?")]
    single, double, other = answer_turns(TAGS, generator, items, DECODING)
    chat = "<user>What is red?<assistant>A colour.<user>Und blau?<assistant>"
    assert generator.calls[-1][0] == [f"{chat}<EN> And blue? <RESPONSE> A colour. <DE>"]
    assert (double.text, double.earlier) == ("Eine Farbe.", (CHAIN,))
    assert (double.facts, single.earlier) == ({"forced_tags": 2}, ())
    assert other.facts == {"forced_tags": 2}


def test_answered_plainly_a_chat_keeps_what_was_said():
    generator = speaker(rot=["Eine Farbe."], blau=["Auch."])
    (found,) = answer_turns(Plain(), generator, [asked(later=("Und blau?",))], DECODING)
    assert generator.calls[1][0] == [
        "<user>Was ist rot?<assistant>Eine Farbe.<user>Und blau?<assistant>"
    ]
    assert (found.text, found.earlier) == ("Auch.", ("Eine Farbe.",))


GERMAN = [{"id": "1", "prompt": "Was ist rot?", "target": "Eine Farbe."}]
CHAT = [
    {
        "id": "1",
        "prompt": "Und blau?",
        "turns": ["Was ist rot?", "Und blau?"],
        "target": "Eine Farbe.",
    }
]


def german(benchmarks, rows=GERMAN, name="german/questions_validation", **settings):
    return benchmarks.write(name, rows=rows, block={"language": "de", **settings})


def test_a_benchmark_is_scored_by_the_answer_and_keeps_the_output(benchmarks):
    german(benchmarks)
    generator = speaker(rot=["<EN> What is red? <RESPONSE> A colour.", " Eine Farbe."])
    (found,) = predict(benchmarks.find(), generator, answering=SETTINGS).values()
    assert (found[0].output, found[0].answer) == (CHAIN, "Eine Farbe.")
    assert found[0].extra == {"forced_tags": 1}
    assert (found[0].num_tokens, found[0].finished) == (len(CHAIN) + 1, True)


def test_a_benchmark_of_several_turns_shows_what_was_said_before(benchmarks):
    german(benchmarks, CHAT)
    generator = speaker(rot=["Eine Farbe."], blau=["Auch."])
    (found,) = predict(benchmarks.find(), generator).values()
    assert (found[0].prompt, found[0].answer) == ("Und blau?", "Auch.")
    assert found[0].extra == {"turns": CHAT[0]["turns"], "earlier": ["Eine Farbe."]}


def test_the_way_of_answering_is_part_of_the_identity_where_there_is_one(benchmarks, tmp_path):
    german(benchmarks)
    (benchmark,) = benchmarks.find()
    store, identity = Store(tmp_path / "store"), {"model": "m"}
    generator = speaker(rot=[CHAIN])
    plain = predict_stored([benchmark], identity, store, lambda: generator)
    assert plain[benchmark.key].key == stage_of(benchmark, identity).key
    assert "forced_tags" not in plain[benchmark.key].facts
    tagged = predict_stored([benchmark], identity, store, lambda: generator, answering=SETTINGS)
    assert tagged[benchmark.key].key != plain[benchmark.key].key
    assert tagged[benchmark.key].facts["forced_tags"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"turns": []}, "turns: allowed: a list of at least one text"),
        ({"turns": ["Was ist rot?"]}, "turns: the last is 'Was ist rot?', allowed: the prompt"),
        ({"messages": [{"role": "user", "content": "x"}]}, "turns: the row has messages too"),
    ],
)
def test_malformed_turns_are_named_by_their_line(benchmarks, change, message):
    german(benchmarks, [{**CHAT[0], **change}])
    with pytest.raises(DataError, match=r":1: turns: ") as caught:
        benchmarks.find()
    assert message in str(caught.value)


@pytest.mark.parametrize("tag", ["<DE>", "<{language}{language}>", "<{lang}>", "{<{language}>"])
def test_a_language_tag_names_the_language_once(tag):
    with pytest.raises(ValueError, match="allowed text with"):
        Tags(pivot="en", language_tag=tag)
