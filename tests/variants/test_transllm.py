from dataclasses import replace

import pytest

from harness.data.rows import tokenise_example
from harness.errors import ConfigError
from harness.protocols import Sources
from harness.records import (
    Corpora,
    Instruction,
    Message,
    Pair,
    ParallelQuestion,
    Role,
    Text,
)
from harness.settings.spec import validate
from harness.training.prepare import prepare
from harness.trial.config import TrialConfig
from harness.variants.sft import Sft
from harness.variants.transllm import Transllm
from tests.fakes import END, FixedPrompt, ScriptedGenerator

CORPORA = Corpora(
    (
        Pair("p1", "the dog", "der Hund", "en", "de"),
        Pair("p2", "die Kuh", "the cow", "de", "en"),
    ),
    instructions=(
        Instruction("i1", (Message("user", "What is a dog?"),), "An answer of the corpus."),
        Instruction("i2", (Message("user", "Silence!"),)),
    ),
    monolingual=(
        Text("t1", "Die Kuh.", "de"),
        Text("t2", "The hen.", "en"),
        Text("t3", "La vache.", "fr"),
    ),
    questions=(
        ParallelQuestion(
            "q1", "Was ist rot?", "Eine Farbe.", "de", "What is red?", "en", "A colour."
        ),
        ParallelQuestion("q2", "Was ist ein Hund?", "Ein Tier.", "de", "What is a dog?", "en"),
    ),
)


def speak(prompt):
    return "An animal." if "dog" in prompt else ""


def sources(script=speak, **changes):
    return Sources(replace(CORPORA, **changes), ScriptedGenerator(script), FixedPrompt(), 1, {})


def text(example):
    return "".join(segment.text for segment in example.segments[1:])


def named(made):
    return {example.id: example for example in made.examples}


def test_a_chat_of_the_pivot_is_answered_by_the_untuned_model_behind_the_response_tag():
    example = named(Transllm().examples(sources()))["reply/i1"]
    assert example.segments[0].text == "<user>What is a dog?<assistant>"
    assert text(example) == "<RESPONSE> An animal."
    assert example.segments[2].token_ids == (*map(ord, " An animal."), END)
    assert example.pair_id is None


def test_a_question_is_answered_by_the_chain_with_the_answer_of_the_corpus():
    example = named(Transllm().examples(sources()))["question/q1"]
    assert example.segments[0].text == "<user>Was ist rot?<assistant>"
    assert text(example) == "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe."
    assert [segment.ends_turn for segment in example.segments] == [False] * 6 + [True]


def test_the_untuned_model_answers_where_the_corpus_does_not_and_the_turn_goes_on():
    example = named(Transllm().examples(sources()))["question/q2"]
    assert text(example) == "<EN> What is a dog? <RESPONSE> An animal. <DE> Ein Tier."
    row = tokenise_example(example, lambda piece: tuple(map(ord, piece)), (END,))
    assert [place for place, token in enumerate(row.ids) if token == END] == [len(row.ids) - 1]


def test_loss_lies_on_every_token_of_the_answer_its_tags_among_them_and_on_no_other():
    example = named(Transllm().examples(sources()))["question/q1"]
    row = tokenise_example(example, lambda piece: tuple(map(ord, piece)), (END,))
    (prepared,) = prepare([row], Transllm().weights)
    answer = "<EN> What is red? <RESPONSE> A colour. <DE> Eine Farbe."
    assert prepared.targets_N.tolist() == [*map(ord, answer), END]
    assert prepared.prompt_length == len("<user>Was ist rot?<assistant>")
    # the first target is predicted by the last token of the prompt
    assert prepared.loss_T.tolist() == [False] * (prepared.prompt_length - 1) + [True] * (
        len(answer) + 1
    ) + [False]


def test_translations_are_plain_requests_and_the_only_examples_of_the_task():
    made = Transllm().examples(sources())
    task = [example for example in made.examples if example.pair_id is not None]
    assert task == list(Sft().examples(sources()).examples)


def test_without_tags_answers_are_plain_and_the_pivot_is_not_asked_for():
    given = sources()
    made = named(Transllm(tags=False).examples(given))
    assert text(made["reply/i1"]) == "An animal."
    assert text(made["question/q2"]) == "Ein Tier."
    assert [len(prompts) for prompts, _ in given.base.calls] == [2]


def test_tags_can_be_worded_otherwise():
    made = named(Transllm(language_tag="[{language}]", response_tag="=>").examples(sources()))
    assert text(made["question/q1"]) == "[EN] What is red? => A colour. [DE] Eine Farbe."
    with pytest.raises(ValueError, match=r"found '<DE>', allowed text with \{language\}"):
        Transllm(language_tag="<DE>")


def test_all_that_the_model_answers_it_answers_in_one_call():
    given = sources()
    Transllm().examples(given)
    ((prompts, decoding),) = given.base.calls
    assert len(prompts) == 3
    assert (decoding.temperature, decoding.max_new_tokens) == (0.0, 256)


def test_empty_and_unfinished_answers_are_left_out_and_counted():
    made = Transllm(max_answer_tokens=4).examples(sources())
    assert set(named(made)) == {"p1", "p2", "question/q1"}
    assert made.facts["fallback_fraction"] == 1.0
    assert made.facts["fallback/unfinished"] == pytest.approx(2 / 3)
    assert made.facts["fallback/empty"] == pytest.approx(1 / 3)
    assert made.facts["recovery_ratio"] == 0.0
    assert made.facts["question_ratio"] == 1 / 2
    assert [row["reason"] for row in made.table] == ["unfinished", "empty", "unfinished", None]


def test_ratios_count_pairs_and_smaller_draws_are_contained_in_larger_ones():
    def drawn(ratio):
        made = Transllm(recovery_ratio=0, question_ratio=ratio).examples(sources())
        return {name for name in named(made) if name.startswith("question/")}

    assert [len(drawn(ratio)) for ratio in (0, 0.5, 1, 9)] == [0, 1, 2, 2]
    assert drawn(0.5) < drawn(1)


def test_a_share_of_the_pairs_can_be_left_out():
    made = Transllm(pair_fraction=0.5).examples(sources())
    assert len([example for example in made.examples if example.pair_id]) == 1
    assert made.facts["dropped_pairs"] == 1


def test_the_stage_text_learns_plain_text_of_the_language_of_the_questions():
    made = Transllm(stage="text").examples(sources())
    (example,) = made.examples
    prompt, body = example.segments
    assert (prompt.role, prompt.text, prompt.token_ids) == (Role.PROMPT, "", ())
    assert (body.role, body.text, body.ends_turn) == (Role.TEXT, "Die Kuh.", True)
    assert made.facts["dropped_pairs"] == 2


def test_the_language_can_be_named_and_is_else_all_that_is_not_the_pivot():
    def texts(**settings):
        return [text(e) for e in Transllm(stage="text", **settings).examples(given).examples]

    given = sources()
    assert texts(language="fr") == ["La vache."]
    given = sources(questions=())
    assert texts() == ["Die Kuh.", "La vache."]


def test_the_stage_parallel_learns_pairs_as_text_beside_text_of_the_pivot():
    made = named(Transllm(stage="parallel").examples(sources()))
    assert set(made) == {"p1", "p2", "text/t2"}
    assert [(s.role, s.text, s.ends_turn) for s in made["p1"].segments] == [
        (Role.PROMPT, "", False),
        (Role.TEXT, "the dog\n", False),
        (Role.TRANSLATION, "der Hund", True),
    ]
    assert (made["p1"].pair_id, made["text/t2"].pair_id) == ("p1", None)


def test_the_stage_parallel_can_ask_for_translations_and_do_without_the_pivot():
    settings = {"stage": "parallel", "pairs_as": "request", "pivot_ratio": 0}
    made = Transllm(**settings).examples(sources(monolingual=()))
    assert made.examples == Sft().examples(sources()).examples


@pytest.mark.parametrize(
    ("settings", "changes", "expected"),
    [
        ({"stage": "text"}, {"monolingual": ()}, "data.monolingual: no text in de, found none"),
        ({"stage": "text", "language": "th"}, {}, "no text in th, found de, en, fr"),
        ({"stage": "parallel", "pivot": "it"}, {}, "no text in it"),
        ({"language": "th"}, {}, "data.questions: none in th beside en, found de beside en"),
        ({"pivot": "fr"}, {}, "data.questions: none in de beside fr"),
    ],
)
def test_a_corpus_without_the_language_is_named_with_the_mend(settings, changes, expected):
    with pytest.raises(ConfigError) as caught:
        Transllm(**settings).examples(sources(**changes))
    assert expected in caught.value.message
    assert "variant." in caught.value.hint


def test_corpora_that_are_not_named_are_refused_before_anything_runs():
    settings = {
        "model": {"path": "m"},
        "variant": "transllm",
        "eval": {"suites": ["s"]},
        "data": {"train": {"path": "train.jsonl"}},
    }
    with pytest.raises(ConfigError) as caught:
        validate(TrialConfig, settings, "trial.yaml")
    for corpus in ("instructions", "questions", "monolingual"):
        assert f"data.{corpus}: missing, and the variant transllm" in caught.value.message


def test_the_chain_before_it_is_text_then_pairs_at_twice_the_learning_rate():
    variant = Transllm(language="de", text_steps=30)
    assert [(one["variant"]["stage"], one["train"]) for one in variant.chain] == [
        ("text", {"steps": 30}),
        ("parallel", {}),
    ]
    assert [one["learning_rate_ratio"] for one in variant.chain] == [2.0, 2.0]
    assert all(one["variant"]["language"] == "de" for one in variant.chain)
    assert Transllm(stage="text").chain == ()
    assert [one["variant"]["stage"] for one in Transllm(text_steps=0).chain] == ["parallel"]


def test_how_it_is_answered_and_what_comes_before_are_no_part_of_its_text():
    plain = Transllm().identity()
    assert Transllm(chain_tokens=9, text_steps=5, learning_rate_ratio=1).identity() == plain
    assert Transllm(response_tag="=>").identity() != plain


def test_models_answer_by_the_chain_once_it_was_learnt():
    assert Transllm().answering == {
        "kind": "tags",
        "pivot": "en",
        "language": None,
        "language_tag": "<{language}>",
        "response_tag": "<RESPONSE>",
        "chain_tokens": 128,
    }
    assert Transllm(tags=False).answering is None
    assert Transllm(stage="text").answering is None
