import pytest

from harness.protocols import Sources
from harness.records import Corpora, Pair, Role
from harness.variants.radis import Radis
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(
    Pair(f"p{index}", f"the {noun}", f"der {noun}", "en", "de")
    for index, noun in enumerate(["Hund", "Wolf", "Fuchs", "Esel"])
)
NOTE = "\n\nA note."


def continue_references(prompt: str) -> str:
    """A note behind every reference; behind "Esel" only once a blank line or a second try asks."""
    if "Esel" in prompt:
        return "An ass." if prompt.endswith("\n\n") else ""
    return f"{NOTE} {prompt.rsplit(' ', 1)[-1]}"


def sources(script=continue_references, seed=1):
    return Sources(Corpora(PAIRS), ScriptedGenerator(script), FixedPrompt(), seed, {})


def rationale(example):
    texts = [segment.text for segment in example.segments if segment.role is Role.RATIONALE]
    return texts[0] if texts else None


def test_the_model_continues_behind_the_reference():
    given = sources()
    Radis().examples(given)
    prompts, decoding = given.base.calls[0]
    assert prompts[0] == "<user>en>de: the Hund<assistant>der Hund"
    assert (decoding.max_new_tokens, decoding.temperature) == (256, 0.0)


def test_the_rationale_keeps_the_token_ids_that_were_generated():
    example = Radis().examples(sources()).examples[0]
    segment = example.segments[2]
    assert segment.token_ids == (*map(ord, f"{NOTE} Hund"), END)
    assert not segment.ends_turn


def test_the_end_of_turn_follows_the_reference_only_where_nothing_else_follows():
    examples = Radis().examples(sources()).examples
    assert [len(example.segments) for example in examples] == [3, 3, 3, 2]
    assert [example.segments[1].ends_turn for example in examples] == [False, False, False, True]


def test_a_rationale_cut_at_the_limit_has_no_end_of_turn():
    made = Radis(max_rationale_tokens=4).examples(sources())
    assert made.examples[0].segments[2].token_ids == tuple(map(ord, NOTE[:4]))
    assert made.facts["rationale_cut_rate"] == 3 / 4


def test_a_separator_is_given_to_the_model_and_trained_on_as_rationale():
    given = sources(lambda prompt: "Fine.")
    example = Radis(separator="\n\n").examples(given).examples[0]
    assert given.base.calls[0][0][0].endswith("der Hund\n\n")
    assert example.segments[1].text == "der Hund"
    assert example.segments[2].text == "\n\nFine."
    assert example.segments[2].token_ids == (*map(ord, "\n\nFine."), END)


@pytest.mark.parametrize(("policy", "expected"), [("keep", None), ("prime", "\n\nAn ass.")])
def test_empty_continuations_are_kept_or_primed_and_counted_either_way(policy, expected):
    made = Radis(empty=policy).examples(sources())
    assert rationale(made.examples[3]) == expected
    assert made.facts["empty_rate"] == 1 / 4
    assert made.facts["empty_rate/en-de"] == 1 / 4
    assert made.facts["fallback_fraction"] == (1 / 4 if expected is None else 0)


def test_resampling_asks_again_for_the_empty_ones_alone_at_a_temperature():
    given = sources()
    Radis(empty="resample", resample_temperature=0.5).examples(given)
    prompts, decoding = given.base.calls[1]
    assert len(prompts) == 1
    assert "Esel" in prompts[0]
    assert decoding.temperature == 0.5


def test_a_fraction_of_the_pairs_gets_a_rationale_and_smaller_fractions_are_nested():
    def with_rationale(fraction):
        made = Radis(fraction=fraction).examples(sources(lambda prompt: NOTE))
        return {example.id for example in made.examples if rationale(example)}

    assert [len(with_rationale(share)) for share in (0.0, 0.25, 0.5, 1.0)] == [0, 1, 2, 4]
    assert with_rationale(0.25) < with_rationale(0.5) < with_rationale(1.0)


def test_shuffled_rationales_are_all_used_and_never_behind_their_own_reference():
    made = Radis(shuffle=True).examples(sources(lambda prompt: f"\n\n{prompt[-5:]}"))
    plain = Radis().examples(sources(lambda prompt: f"\n\n{prompt[-5:]}"))
    own, moved = map(rationale, plain.examples), map(rationale, made.examples)
    pairs = list(zip(own, moved, strict=True))
    assert all(one != other for one, other in pairs)
    assert {one for one, _ in pairs} == {other for _, other in pairs}


def test_before_puts_the_rationale_first_and_ends_the_turn_with_the_translation():
    example = Radis(order="before").examples(sources()).examples[0]
    assert [segment.role for segment in example.segments] == [
        Role.PROMPT,
        Role.RATIONALE,
        Role.TRANSLATION,
    ]
    assert example.segments[1].token_ids == tuple(map(ord, f"{NOTE} Hund"))
    assert example.segments[2].text == "\n\nder Hund"
    assert example.segments[2].ends_turn


def test_length_facts_count_tokens():
    made = Radis(fraction=1.0).examples(sources(lambda prompt: "\n\nab"))
    assert made.facts["rationale_mean_tokens"] == 5  # four characters and the end of the turn
    tokens = sum(len(pair.target) for pair in PAIRS)
    assert made.facts["rationale_length_ratio"] == pytest.approx(20 / tokens)


def test_the_weight_is_no_part_of_the_identity_and_every_other_setting_is():
    assert Radis(rationale_weight=2.0).identity() == Radis().identity()
    assert Radis(shuffle=True).identity() != Radis().identity()
