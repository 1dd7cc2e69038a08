"""Few-shot prompting: the draw, the exact prompt, both directions, and what is refused by name."""

import json
from dataclasses import asdict

import pytest

from harness.data.prompts import TranslationPrompt
from harness.data.spec import DataSpec
from harness.errors import ConfigError, DataError
from harness.evaluation.predict import FILE
from harness.models.answering_file import ANSWERING_FILE, save_answering
from harness.records import Pair
from harness.settings.spec import validate
from harness.storage.predictions import read_predictions
from harness.trial.config import TrialConfig, load_trial
from harness.trial.export import export_trial
from harness.trial.preflight import preflight
from harness.trial.run import run_trial
from harness.variants.icl import Icl
from tests.contract.test_trials import TRIALS
from tests.projects import write_lines, write_project

PROMPT = TranslationPrompt(
    DataSpec(train={"path": "train.jsonl"}, system="You translate.")  # type: ignore[arg-type]
)
NOUNS = {"dog": "Hund", "wolf": "Wolf", "fox": "Fuchs", "owl": "Uhu", "hen": "Huhn"}
PAIRS = [Pair(en, f"the {en}", f"der {de}", "en", "de") for en, de in NOUNS.items()]
BACK = [Pair("ox", "der Ochse", "the ox", "de", "en")]
"""One pair the other way, which makes that way one the training set has."""


def turns(variant, pairs=PAIRS, seed=1):
    """What is shown, by direction; under None what is shown to the rest."""
    settings = variant.shown(pairs, PROMPT, seed)
    assert (settings["kind"], settings["prompts"]) == ("shown", variant.prompts)
    by_direction = {
        f"{one['source_lang']}-{one['target_lang']}": one["turns"] for one in settings["directions"]
    }
    return {**by_direction, None: settings["others"]}


def shown_nouns(found):
    return [answer.removeprefix("der ") for _, answer in found]


def test_its_setting_is_called_examples_everywhere():
    variant = Icl(examples=2)
    assert variant.plain() == {"name": "icl", "examples": 2, "prompts": "translation"}
    assert Icl.model_validate(variant.plain()) == variant
    assert variant.replace(prompts="all") == Icl(examples=2, prompts="all")
    assert variant.identity() == variant.plain()


def test_an_example_is_worded_as_a_training_pair_is_without_its_system_turn():
    found = turns(Icl(examples=5))
    assert sorted(found["en-de"]) == sorted(
        [f"Translate from English to German: the {en}", f"der {de}"] for en, de in NOUNS.items()
    )


def test_the_seed_draws_and_a_draw_of_fewer_begins_one_of_more():
    most = shown_nouns(turns(Icl(examples=5))["en-de"])
    assert sorted(most) == sorted(NOUNS.values())
    assert [shown_nouns(turns(Icl(examples=k))["en-de"]) for k in range(1, 5)] == [
        most[:k] for k in range(1, 5)
    ]
    assert turns(Icl(examples=2)) == turns(Icl(examples=2))
    draws = {tuple(shown_nouns(turns(Icl(examples=2), seed=seed)["en-de"])) for seed in range(40)}
    assert len(draws) > 10
    assert {noun for first, _ in draws for noun in [first]} == set(NOUNS.values())


def test_pairs_are_turned_round_where_the_training_set_has_that_direction():
    assert set(turns(Icl(examples=2))) == {"en-de", None}
    found = turns(Icl(examples=6), PAIRS + BACK)
    assert set(found) == {"en-de", "de-en", None}
    assert ["Translate from German to English: der Uhu", "the owl"] in found["de-en"]
    assert ["Translate from English to German: the ox", "der Ochse"] in found["en-de"]
    assert [answer for _, answer in found["de-en"]] == [
        request.removeprefix("Translate from English to German: ") for request, _ in found["en-de"]
    ]
    assert sorted(found[None]) == sorted(
        [
            *turns(Icl(examples=5))["en-de"],
            ["Translate from German to English: der Ochse", "the ox"],
        ]
    )


def test_a_pair_that_stands_there_twice_or_turned_round_is_shown_once():
    turned = Pair("again", "der Hund", "the dog", "de", "en")
    found = turns(Icl(examples=5), [*PAIRS, PAIRS[0], turned])
    assert len({answer for _, answer in found["en-de"]}) == 5
    with pytest.raises(DataError, match=r"variant.examples: found 6, allowed at most 5: so many"):
        turns(Icl(examples=6), [*PAIRS, PAIRS[0], turned])


def test_each_pair_of_languages_has_a_draw_of_its_own_where_it_has_enough():
    french = [Pair("fr", "the owl", "le hibou", "en", "fr")]
    assert turns(Icl(examples=1), PAIRS + french)["en-fr"] == [
        ["Translate from English to French: the owl", "le hibou"]
    ]
    assert set(turns(Icl(examples=2), PAIRS + french)) == {"en-de", None}


def project(tmp_path, model, **changes):
    return write_project(
        tmp_path, model, **{"variant": {"name": "icl", "examples": 2}, "lora": {}, **changes}
    )


def pairs_of(folder):
    """The project's training set."""
    lines = (folder / "train.jsonl").read_text(encoding="utf-8").splitlines()
    return [Pair(**json.loads(line)) for line in lines]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"variant": {"name": "icl", "examples": 9}},
            "variant.examples: found 9, allowed at most 8: so many different pairs are in data.",
        ),
        (
            {"data": "turned"},
            "mini_translation/en_de_test: asks for translations en-de, and examples to show are",
        ),
    ],
    ids=["more examples than pairs", "no such direction"],
)
def test_what_cannot_be_shown_is_refused_before_anything_runs(
    tmp_path, tiny_model_dir, changes, fault
):
    config = project(tmp_path, tiny_model_dir)
    if "data" in changes:
        turned = [
            {**asdict(pair), "source_lang": "de", "target_lang": "en"}
            for pair in pairs_of(tmp_path)
        ]
        path = write_lines(tmp_path / "turned.jsonl", turned)
        changes = {"data": {"train": {"path": str(path)}}}
    config = config.replace(**changes)
    for look in (preflight, lambda one: run_trial(one, home=tmp_path / "home")):
        with pytest.raises(DataError) as caught:
            look(config)
        assert fault in caught.value.message
    assert not list((tmp_path / "home").glob("store/predictions/[!.]*"))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            {"variant": {"name": "icl", "examples": 0}},
            "variant.examples: found 0, allowed: greater",
        ),
        (
            {"variant": {"name": "icl", "exampels": 2}},
            "variant.exampels: unknown option 'exampels'; did you mean 'examples'?",
        ),
        ({"variant": {"name": "icl", "num_examples": 2}}, "unknown option 'num_examples'"),
        ({"data": None}, "data: missing, and the variant icl shows pairs of it"),
        ({"chain": [{"variant": "sft"}]}, "chain: found 1 of it, allowed [] with icl"),
        ({"eval.answering": "x"}, "eval.answering: found 'x', allowed with the variant base alone"),
        ({"variant": {"name": "wise", "source": "icl"}}, "found icl, which has no adapter"),
    ],
)
def test_settings_that_cannot_be_are_named(tmp_path, tiny_model_dir, changes, fault):
    plain = project(tmp_path, tiny_model_dir).plain()
    with pytest.raises(ConfigError) as caught:
        validate(TrialConfig, plain, "trial.yaml", tuple(changes.items()))
    assert fault in caught.value.message


def test_a_model_that_says_how_it_is_asked_is_refused(tmp_path, tiny_model_dir):
    config = project(tmp_path, tiny_model_dir)
    model = tmp_path / "model"
    model.mkdir()
    for file in tiny_model_dir.iterdir():
        (model / file.name).symlink_to(file)
    save_answering(model, {"kind": "tags", "pivot": "en"})
    with pytest.raises(DataError, match="says that it answers by tags"):
        preflight(config.replace(model={"path": str(model), "device": "cpu"}))


def test_there_is_nothing_to_export_and_that_says_what_to_do(tmp_path, tiny_model_dir):
    with pytest.raises(ConfigError) as caught:
        export_trial(project(tmp_path, tiny_model_dir), tmp_path / "out", home=tmp_path / "home")
    assert "icl has no adapter" in caught.value.message
    assert "eval.answering" in caught.value.hint


@pytest.mark.slow
def test_a_trial_shows_translations_examples_and_what_it_leaves_asks_in_the_same_way(
    tmp_path, tiny_model_dir
):
    config = project(tmp_path, tiny_model_dir)
    home = tmp_path / "home"
    result = run_trial(config, home=home)
    assert "adapter" not in result.stages
    folder = home / "store" / "answering" / result.stages["answering"]
    settings = json.loads((folder / ANSWERING_FILE).read_text(encoding="utf-8"))
    assert settings == {
        "kind": "shown",
        **json.loads(json.dumps(Icl(examples=2).shown(pairs_of(tmp_path), PROMPT, 1))),
    }
    base = run_trial(config.replace(variant="base"), home=home)
    general, translation = "predictions/mini_general/echo_test", "predictions/mini_translation/"
    assert result.stages[general] == base.stages[general]
    translation += "en_de_test"
    assert result.stages[translation] != base.stages[translation]
    rows = read_predictions(home / "store/predictions" / result.stages[translation] / FILE)
    assert result.facts["cost/shown_tokens"] == 2 * sum(row.extra["shown_tokens"] for row in rows)
    assert "cost/shown_tokens" not in base.facts
    assert any(name.startswith("contamination/") for name in result.facts)
    asked = config.eval.replace(answering=str(folder))
    again = run_trial(config.replace(variant="base", data=None, eval=asked), home=home)
    assert {n: key for n, key in result.stages.items() if n.startswith("predictions/")} == {
        n: key for n, key in again.stages.items() if n.startswith("predictions/")
    }
    other = run_trial(config.replace(seed=2), home=home)
    assert other.stages[translation] != result.stages[translation]
    assert other.stages[general] == result.stages[general]


@pytest.mark.slow
def test_examples_that_do_not_fit_the_context_are_refused_before_anything_is_generated(tmp_path):
    config = load_trial(
        TRIALS / "icl.yaml",
        (("eval.limit", 2), ("variant.examples", 12), ("eval.suites", ["pocket_translation"])),
    )
    with pytest.raises(DataError, match=r"tokens and up to 112 of an answer, for a context of 512"):
        run_trial(config, home=tmp_path)
    assert not list(tmp_path.glob("store/predictions/[!.]*"))
