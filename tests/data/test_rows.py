from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.data.examples import load_examples, save_examples
from harness.data.prompts import TranslationPrompt, language_name
from harness.data.rows import longest_reading, tokenise, tokenise_example
from harness.data.segments import pair_prompt
from harness.data.spec import DataSpec
from harness.errors import ConfigError, DataError
from harness.protocols import Sources
from harness.records import Corpora, Example, ExampleSet, Message, Pair, Role, Segment
from harness.settings.spec import validate
from tests.fakes import ScriptedGenerator

END = 0


def encode(text):
    return tuple(map(ord, text))


def example(*segments, name="e"):
    return Example(name, (Segment(Role.PROMPT, "p:", encode("p:")), *segments), "pair")


segments = st.lists(
    st.builds(
        Segment,
        st.sampled_from([Role.TRANSLATION, Role.RATIONALE, Role.REPLY]),
        st.text(alphabet="abc", max_size=5),
        st.none() | st.lists(st.integers(1, 9), max_size=5).map(tuple),
        st.booleans(),
    ),
    max_size=4,
)


@given(segments)
def test_every_token_has_exactly_one_role(parts):
    row = tokenise_example(example(*parts), encode, (END,))
    assert len(row.ids) == len(row.roles)
    for role in Role:
        mine = [s for s in example(*parts).segments if s.role is role]
        expected = [
            token
            for s in mine
            for token in (
                *(encode(s.text) if s.token_ids is None else s.token_ids),
                *([END] if s.ends_turn else []),
            )
        ]
        found = [t for t, r in zip(row.ids, row.roles, strict=True) if r is role]
        assert found == expected


def test_generated_tokens_are_used_as_they_are_and_never_made_anew():
    row = tokenise_example(example(Segment(Role.RATIONALE, "ab", (7, 8, 9))), encode, (END,))
    assert row.ids[2:] == (7, 8, 9)


def test_the_end_of_the_turn_belongs_to_the_segment_it_ends():
    row = tokenise_example(
        example(Segment(Role.TRANSLATION, "a", ends_turn=True), Segment(Role.RATIONALE, "b")),
        encode,
        (END,),
    )
    assert row.ids[2:] == (ord("a"), END, ord("b"))
    assert row.roles[2:] == (Role.TRANSLATION, Role.TRANSLATION, Role.RATIONALE)


def test_examples_that_are_too_long_are_left_out_and_named_never_cut():
    short = example(Segment(Role.TRANSLATION, "ab"), name="short")
    long = example(Segment(Role.TRANSLATION, "abc"), name="long")
    made = tokenise([short, long], encode, (END,), max_length=4)
    assert [row.example_id for row in made.rows] == ["short"]
    assert made.too_long == ("long",)


def test_a_row_is_as_long_as_the_teacher_reads_it():
    shown = Segment(Role.PROMPT, "", token_ids=(1, 2, 3))
    one = replace(example(Segment(Role.TRANSLATION, "ab"), name="shown"), teacher_prompt=shown)
    row = tokenise_example(one, encode, (END,))
    assert (len(row.ids), longest_reading(row)) == (4, 5)
    other = example(Segment(Role.TRANSLATION, "ab"), name="other")
    assert tokenise([one, other], encode, (END,), max_length=4).too_long == ("shown",)
    assert tokenise([one], encode, (END,), max_length=5).too_long == ()
    short = replace(one, teacher_prompt=Segment(Role.PROMPT, "", token_ids=(1,)))
    assert longest_reading(tokenise_example(short, encode, (END,))) == 4


def test_a_limit_no_example_keeps_is_an_error_with_its_mend():
    with pytest.raises(DataError, match=r"all 1 training examples have more than 4(?s:.*)max_len"):
        tokenise([example(Segment(Role.TRANSLATION, "abc"))], encode, (END,), max_length=4)


@given(segments)
def test_examples_come_back_from_disk_as_they_were(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("examples")
    made = ExampleSet((example(*parts),), {"empty_rate": 0.5}, ({"id": "e", "text": "ü\u2028"},))
    save_examples(folder, made)
    assert load_examples(folder) == made


def test_a_request_names_languages_in_english():
    spec = DataSpec(train={"path": "c.jsonl"}, system="Be brief.")
    assert TranslationPrompt(spec).messages("Hallo {x}", "de", "pt-BR") == (
        Message("system", "Be brief."),
        Message("user", "Translate from German to Portuguese: Hallo {x}"),
    )


def test_a_language_without_a_name_is_an_error_with_the_known_ones():
    with pytest.raises(ConfigError, match=r"'tlh' has no English name here, known: aa, ab"):
        language_name("tlh")


def test_a_template_that_names_no_language_needs_no_names():
    spec = DataSpec(train={"path": "c.jsonl"}, prompt="{source} =>")
    assert TranslationPrompt(spec).messages("a", "tlh", "x-y") == (Message("user", "a =>"),)


@pytest.mark.parametrize("prompt", ["no field", "{sorce}", "{source", "{source!r}", "{source:>5}"])
def test_a_template_without_its_source_or_with_other_fields_is_refused(prompt):
    with pytest.raises(ConfigError, match=r"f\.yaml: prompt: found .*allowed \{source\}"):
        validate(DataSpec, {"train": {"path": "c.jsonl"}, "prompt": prompt}, "f.yaml")


def test_a_prompt_segment_has_the_chat_as_text_and_as_tokens():
    generator = ScriptedGenerator(str)
    prompt = TranslationPrompt(DataSpec(train={"path": "c.jsonl"}))
    sources = Sources(Corpora(()), generator, prompt, 1, {})
    segment = pair_prompt(sources, Pair("a", "Hi.", "Hallo.", "en", "de"))
    assert segment.role is Role.PROMPT
    assert segment.token_ids == generator.tokenizer.encode(segment.text)
