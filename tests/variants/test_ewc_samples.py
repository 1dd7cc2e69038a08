from harness.protocols import Sources
from harness.records import Corpora, Instruction, Message, Pair, Role
from harness.variants.ewc import Ewc
from tests.fakes import END, FixedPrompt, ScriptedGenerator

PAIRS = tuple(Pair(f"p{index}", f"word{index}", f"Wort{index}", "en", "de") for index in range(6))
CHATS = tuple(
    Instruction(f"i{index}", (Message("user", f"What is {index}?"),), "Gold.") for index in range(5)
)


def sources(corpora=None, seed=1):
    generator = ScriptedGenerator(lambda prompt: "A long number.")
    return Sources(
        corpora or Corpora(PAIRS, instructions=CHATS), generator, FixedPrompt(), seed, {}
    )


def test_the_untuned_model_is_asked_the_general_instructions_at_temperature_one():
    given = sources()
    made = Ewc(num_samples=3).examples(given)
    ((prompts, decoding),) = given.base.calls
    assert len(prompts) == len(set(prompts)) == 3
    assert all(prompt.startswith("<user>What is") for prompt in prompts)
    assert decoding.temperature == 1.0
    assert made.facts["fisher_samples"] == 3


def test_without_general_instructions_it_is_asked_for_translations():
    made = Ewc(num_samples=4).examples(sources(Corpora(PAIRS)))
    assert len(made.probes) == 4
    assert {example.id for example in made.probes} < {pair.id for pair in PAIRS}
    assert made.probes[0].segments[0].text.startswith("<user>en>de: word")


def test_probes_are_answers_with_the_tokens_that_were_sampled_and_no_part_of_the_examples():
    made = Ewc(num_samples=2).examples(sources())
    for probe in made.probes:
        prompt, answer = probe.segments
        assert prompt.role is Role.PROMPT
        assert (answer.role, answer.text) == (Role.REPLY, "A long number.")
        assert answer.token_ids == (*map(ord, "A long number."), END)
    assert not {probe.id for probe in made.probes} & {example.id for example in made.examples}


def test_an_answer_cut_at_the_limit_has_no_end_of_turn_and_is_counted():
    made = Ewc(num_samples=2, max_new_tokens=4).examples(sources())
    assert made.probes[0].segments[1].token_ids == tuple(map(ord, "A lo"))
    assert not made.probes[0].segments[1].ends_turn
    assert made.facts["fisher_cut_rate"] == 1.0


def test_there_are_at_most_as_many_samples_as_requests():
    assert Ewc(num_samples=100).examples(sources()).facts["fisher_samples"] == len(CHATS)


def test_requests_and_sampling_come_from_the_seed():
    first, second = sources(seed=1), sources(seed=2)
    for given in (first, second):
        Ewc(num_samples=3).examples(given)
    assert first.base.calls[0][0] != second.base.calls[0][0]
    assert first.base.calls[0][1].seed != second.base.calls[0][1].seed


def test_what_is_sampled_is_part_of_the_identity():
    assert Ewc(num_samples=3).identity() != Ewc().identity()
