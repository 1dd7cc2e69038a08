import logging
import re

import pytest

from harness.errors import DataError, EvaluationError
from harness.evaluation.predict import FILE, predict, predict_stored
from harness.records import Decoding, StageEvent
from harness.storage.predictions import read_predictions
from harness.storage.store import Store
from tests.fakes import ScriptedGenerator

ANSWERS = {"Norland": "Toral.", "Sudland": "Nowhere.", "2 + 3": "5"}


def answer(prompt: str) -> str:
    return next((text for part, text in ANSWERS.items() if part in prompt), "?")


class ChoosingGenerator(ScriptedGenerator):
    """Likes choices the better the more letters they share with the chat."""

    def loglikelihoods(self, pairs):
        return [(float(len(set(one) & set(other))), False) for one, other in pairs]


def test_every_item_is_answered_through_its_chat_template(benchmarks):
    benchmarks.write()
    generator = ScriptedGenerator(answer)
    (found,) = predict(benchmarks.find(), generator).values()
    assert [(row.id, row.output, row.target) for row in found] == [
        ("facts-1", "Toral.", "Toral."),
        ("facts-2", "Nowhere.", "Merak."),
        ("facts-3", "5", "5"),
    ]
    ((prompts, decoding),) = generator.calls
    assert prompts[0] == "<user>What is the capital of Norland?<assistant>"
    assert decoding == Decoding(max_new_tokens=60)
    assert (found[0].num_tokens, found[0].finished, found[0].language) == (7, True, "en")


def test_messages_of_an_item_are_the_chat(benchmarks):
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "I am Ada."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Who am I?"},
    ]
    benchmarks.write(rows=[{"id": "1", "prompt": "Who am I?", "target": "Ada", "messages": turns}])
    generator = ScriptedGenerator(answer)
    predict(benchmarks.find(), generator)
    assert generator.calls[0][0] == [
        "<system>Be brief.<user>I am Ada.<assistant>Hello.<user>Who am I?<assistant>"
    ]


def test_an_item_may_have_a_temperature_of_its_own_for_all_its_turns(benchmarks):
    rows = [
        {"id": "1", "prompt": "b", "target": "t", "turns": ["a", "b"], "temperature": "0.7"},
        {"id": "2", "prompt": "c", "target": "t", "temperature": 0},
        {"id": "3", "prompt": "d", "target": "t"},
    ]
    benchmarks.write(rows=rows)
    generator = ScriptedGenerator(answer)
    (found,) = predict(benchmarks.find(), generator).values()
    assert [(len(prompts), decoding.temperature) for prompts, decoding in generator.calls] == [
        (1, 0.7), (1, 0.7), (2, 0.0),
    ]  # fmt: skip
    assert found[0].extra["temperature"] == "0.7"


@pytest.mark.parametrize("value", [-1, "hot", True, "-0.5"])
def test_a_temperature_is_a_number(benchmarks, value):
    benchmarks.write(rows=[{"id": "1", "prompt": "a", "target": "t", "temperature": value}])
    with pytest.raises(DataError, match=r"temperature: found .*, allowed: a number, 0 or greater"):
        benchmarks.find()


def test_templates_render_the_user_turn_and_the_target(benchmarks):
    rows = [{"id": "1", "prompt": "dog", "target": "Hund", "note": ["kept"]}]
    benchmarks.write(rows=rows, doc_to_text="Translate: {{prompt}}", doc_to_target="{{target}}")
    generator = ScriptedGenerator(answer)
    (found,) = predict(benchmarks.find(), generator).values()
    assert generator.calls[0][0] == ["<user>Translate: dog<assistant>"]
    assert found[0].extra == {"note": ["kept"]}


def test_fields_that_only_some_rows_have_stay_theirs(benchmarks):
    rows = [
        {"id": "1", "prompt": "p", "target": "t", "constraints": [{"kind": "capitals"}]},
        {
            "id": "2",
            "prompt": "p",
            "target": "t",
            "constraints": [{"kind": "contains", "text": "x"}],
        },
    ]
    benchmarks.write(rows=rows)
    (found,) = predict(benchmarks.find(), ScriptedGenerator(answer)).values()
    assert found[0].extra["constraints"] == [{"kind": "capitals"}]
    assert found[1].extra["constraints"] == [{"kind": "contains", "text": "x"}]


def test_the_answer_to_a_translation_ends_at_the_first_blank_line(benchmarks):
    row = {
        "id": "1",
        "prompt": "Translate: The dog.",
        "source": "The dog.",
        "references": ["Der Hund."],
        "source_lang": "en",
        "target_lang": "de",
    }
    benchmarks.write(
        rows=[row], doc_to_target="{{references[0]}}", block={"extract": "first_paragraph"}
    )
    generator = ScriptedGenerator(lambda _: "Der Hund.\n\nHund means dog.")
    (found,) = predict(benchmarks.find(), generator).values()
    assert found[0].output == "Der Hund.\n\nHund means dog."
    assert found[0].answer == "Der Hund."
    assert (found[0].language, found[0].references) == ("de", ("Der Hund.",))


def test_a_pattern_extracts_the_last_match(benchmarks):
    pattern = {"rule": "regex", "pattern": r"(\d+)", "pick": "last"}
    benchmarks.write(block={"extract": pattern})
    (found,) = predict(benchmarks.find(), ScriptedGenerator(lambda _: "2 + 3 = 5.")).values()
    assert [row.answer for row in found] == ["5", "5", "5"]


def test_choices_are_compared_by_likelihood(benchmarks):
    row = {"id": "1", "prompt": "abc?", "choices": ["xyz", "abc"], "right": 1}
    benchmarks.write(
        rows=[row],
        output_type="multiple_choice",
        doc_to_choice="choices",
        doc_to_target="right",
        drop=("generation_kwargs",),
        block={"metrics": ["choice_accuracy"], "summary": None},
    )
    (found,) = predict(benchmarks.find(), ChoosingGenerator(answer)).values()
    assert found[0].choices == (0.0, 3.0)
    assert found[0].extra["target_index"] == 1
    assert (found[0].answer, found[0].target) == ("abc", "abc")
    with pytest.raises(EvaluationError, match="cannot score choices"):
        predict(benchmarks.find(), ScriptedGenerator(answer))


def test_all_benchmarks_of_equal_decoding_are_generated_in_one_call(benchmarks):
    for name in ("a/one_validation", "a/two_test", "b/three_validation"):
        benchmarks.write(name)
    benchmarks.write(
        "b/long_test", generation_kwargs={"until": [], "max_gen_toks": 99, "do_sample": False}
    )
    events: list[StageEvent] = []
    generator = ScriptedGenerator(answer)
    found = predict(benchmarks.find(), generator, on_event=events.append)
    assert set(found) == {"a/one_validation", "a/two_test", "b/three_validation", "b/long_test"}
    sizes = {decoding.max_new_tokens: len(prompts) for prompts, decoding in generator.calls}
    assert sizes == {60: 9, 99: 3}
    assert [event.fraction for event in events][-1] == 1.0


def test_predicting_is_silent(benchmarks, capfd, caplog):
    benchmarks.write()
    caplog.set_level(logging.DEBUG)
    predict(benchmarks.find(), ScriptedGenerator(answer))
    assert capfd.readouterr() == ("", "")
    assert [record for record in caplog.records if record.name.startswith("lm_eval")] == []


def test_a_template_that_cannot_be_rendered_names_its_file(benchmarks):
    benchmarks.write(doc_to_text="{{prompt.nothing.there}}")
    with pytest.raises(DataError, match=r"facts_validation.yaml: a template cannot be rendered"):
        predict(benchmarks.find(), ScriptedGenerator(answer))


def test_predictions_are_made_once_and_the_model_loaded_only_for_missing_ones(benchmarks, tmp_path):
    benchmarks.write("a/one_validation")
    store = Store(tmp_path / "store")
    loads: list[ScriptedGenerator] = []

    def load() -> ScriptedGenerator:
        loads.append(ScriptedGenerator(answer))
        return loads[-1]

    first = predict_stored(benchmarks.find(), {"model": "m"}, store, load)
    again = predict_stored(benchmarks.find(), {"model": "m"}, store, load)
    assert len(loads) == 1
    assert again["a/one_validation"].reused
    assert again["a/one_validation"].key == first["a/one_validation"].key
    benchmarks.write("a/two_validation", doc_to_text="Please: {{prompt}}")
    predict_stored(benchmarks.find(), {"model": "m"}, store, load)
    assert [len(prompts) for prompts, _ in loads[1].calls] == [3]
    predict_stored(benchmarks.find(), {"model": "other"}, store, load)
    assert [len(prompts) for prompts, _ in loads[2].calls] == [6]


def test_benchmarks_of_equal_content_are_predicted_once(benchmarks, tmp_path):
    benchmarks.write("a/one_validation")
    benchmarks.write("b/same_validation")
    generator = ScriptedGenerator(answer)
    store = Store(tmp_path / "store")
    built = predict_stored(benchmarks.find(), {}, store, lambda: generator)
    assert built["a/one_validation"].path == built["b/same_validation"].path
    assert [len(prompts) for prompts, _ in generator.calls] == [3]


def test_stored_predictions_are_read_back_as_they_were(benchmarks, tmp_path):
    benchmarks.write()
    generator = ScriptedGenerator(answer)
    store = Store(tmp_path / "store")
    built = predict_stored(benchmarks.find(), {}, store, lambda: generator)
    (direct,) = predict(benchmarks.find(), ScriptedGenerator(answer)).values()
    (stage,) = built.values()
    assert read_predictions(stage.path / FILE) == direct
    assert stage.facts == {"items": 3, "tokens_generated": 7 + 9 + 2}


def test_a_real_model_answers_and_compares_choices(benchmarks, tiny):
    benchmarks.write("a/facts_validation")
    benchmarks.write(
        "a/choices_validation",
        rows=[{"id": "1", "prompt": "Yes?", "choices": ["yes", "no"], "right": 0}],
        output_type="multiple_choice",
        doc_to_choice="choices",
        doc_to_target="right",
        drop=("generation_kwargs",),
        block={"metrics": ["choice_accuracy"], "summary": None},
    )
    found = predict(benchmarks.find(), tiny)
    assert len(found["a/facts_validation"]) == 3
    assert all(re.search(".*", row.output) for row in found["a/facts_validation"])
    (choice,) = found["a/choices_validation"]
    assert choice.choices is not None
    assert all(value < 0 for value in choice.choices)
