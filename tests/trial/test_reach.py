"""Text is written for the pairs that training reaches."""

import itertools
import json

import pytest

from harness.data.examples import load_examples
from harness.data.rows import tokenise
from harness.data.segments import pair_example
from harness.records import Role
from harness.storage.store import Store
from harness.training.batches import steps
from harness.training.prepare import prepare
from harness.trial.reach import reached
from harness.trial.resources import Resources
from harness.trial.stages import Tuning
from harness.trial.texts import Texts, texts_to_write
from harness.trial.timeline import Timeline
from tests.projects import write_corpus, write_lines, write_project

NUM_PAIRS, STEPS, BATCH = 400, 6, 4
SILENT = Timeline(lambda event: None)


@pytest.fixture
def trial(tmp_path, tiny_model_dir):
    """A configuration of a method whose steps reach few of the pairs, and its store."""

    def configured(variant="radis", num_steps=STEPS, **changes):
        settings = {"name": variant, "max_rationale_tokens": 3} if variant == "radis" else variant
        data = {"train": {"path": str(tmp_path / "train.jsonl")}}
        if variant == "recovery_kd":
            rows = [
                {"id": f"c{number}", "messages": [{"role": "user", "content": f"Say {number}."}]}
                for number in range(NUM_PAIRS)
            ]
            data["instructions"] = {"path": str(write_lines(tmp_path / "chats.jsonl", rows))}
        config = write_project(tmp_path, tiny_model_dir, variant=settings, data=data, **changes)
        write_corpus(tmp_path / "train.jsonl", [f"Ort{number}" for number in range(NUM_PAIRS)])
        train = config.train.replace(steps=num_steps, epochs=None, batch_size=BATCH)
        return config.replace(train=train)

    return configured


def examples_of(config, home):
    tuning = Tuning(config, Store(home / "store"), SILENT)
    tuning.adapter()
    folder = home / "store/examples" / tuning.stages["examples"]
    return load_examples(folder), tuning


def texts_made(home):
    """Prompts that a model answered, by list, without those that were known."""
    manifests = sorted((home / "store/completions").glob("*/manifest.json"))
    return [json.loads(path.read_text())["facts"]["made"] for path in manifests]


def sft_steps(config, home, count):
    """The pairs that plain fine-tuning sees, step by step."""
    resources = Resources(config, Store(home / "store"), SILENT)
    sources = resources.sources(config.variant, config.seed)
    tokenizer = resources.tokenizer
    examples = [pair_example(sources, pair) for pair in sources.corpora.parallel]
    rows = tokenise(examples, tokenizer.encode, tokenizer.ending, 512, tokenizer.encode_first).rows
    order = steps(prepare(rows, {Role.TRANSLATION: 1.0}), config.train.batch_size, config.seed)
    return [[row.example_id for row in step] for step in itertools.islice(order, count)]


@pytest.mark.parametrize("variant", ["radis", "seqkd", "sdft", "sdft_onpolicy", "recovery_kd"])
def test_text_is_written_for_the_pairs_of_the_steps_alone(variant, trial, tmp_path):
    examples, tuning = examples_of(trial(variant), tmp_path / "home")
    assert sum(example.pair_id is not None for example in examples.examples) == STEPS * BATCH
    assert tuning.facts["data/pairs_reached"] == STEPS * BATCH
    made = STEPS * BATCH if variant != "recovery_kd" else round(0.25 * STEPS * BATCH)
    assert sum(texts_made(tmp_path / "home")) <= made


def test_they_are_the_pairs_that_plain_fine_tuning_sees_in_the_same_steps(trial, tmp_path):
    config = trial()
    examples, _ = examples_of(config, tmp_path / "home")
    expected = sft_steps(config, tmp_path / "home", STEPS)
    assert [example.id for example in examples.examples] == [*itertools.chain(*expected)]
    rows = [example.id for example in examples.examples]
    taken = itertools.islice(steps(_fake(rows), BATCH, config.seed, ordered=True), STEPS)
    assert [[row.example_id for row in step] for step in taken] == expected


def _fake(ids):
    from harness.records import TokenRow

    row = ((1, 2), (Role.PROMPT, Role.TRANSLATION))
    return prepare([TokenRow(name, *row) for name in ids], {Role.TRANSLATION: 1.0})


def test_a_longer_training_writes_only_what_the_shorter_one_did_not(trial, tmp_path):
    home = tmp_path / "home"
    examples_of(trial(), home)
    short, _ = examples_of(trial(), home)
    longer, _ = examples_of(trial(num_steps=STEPS + 3), home)
    assert sorted(texts_made(home)) == [3 * BATCH, STEPS * BATCH]
    begun = longer.examples[: STEPS * BATCH]
    assert begun == short.examples


def test_another_seed_reuses_what_the_first_wrote_by_prompt(trial, tmp_path):
    home, config = tmp_path / "home", trial()
    first, _ = examples_of(config, home)
    other, _ = examples_of(config.replace(seed=config.seed + 1), home)
    shared = {one.id for one in first.examples} & {one.id for one in other.examples}
    assert sum(texts_made(home)) == 2 * STEPS * BATCH - len(shared)


def test_a_training_that_reaches_half_has_the_whole_list_under_its_old_key(trial, tmp_path):
    config = trial(num_steps=NUM_PAIRS // 2 // BATCH)
    examples, tuning = examples_of(config, tmp_path / "home")
    assert len(examples.examples) == NUM_PAIRS
    assert "data/pairs_reached" not in tuning.facts
    manifest = tmp_path / "home/store/examples" / tuning.stages["examples"] / "manifest.json"
    assert "reached" not in json.loads(manifest.read_text())["identity"]


def test_a_whole_list_in_the_store_is_used_by_any_seed(trial, tmp_path):
    home, config = tmp_path / "home", trial()
    examples_of(trial(num_steps=NUM_PAIRS // BATCH), home)
    before = texts_made(home)
    examples, _ = examples_of(config.replace(seed=config.seed + 5), home)
    assert len(examples.examples) == NUM_PAIRS
    assert texts_made(home) == before


def test_a_training_that_began_with_few_goes_on_with_them(trial, tmp_path):
    home, config = tmp_path / "home", trial()
    _, first = examples_of(config, home)
    examples_of(trial(num_steps=NUM_PAIRS // BATCH), home)
    _, again = examples_of(config, home)
    assert again.stages == first.stages


def test_methods_that_write_nothing_and_trainings_in_epochs_have_all_pairs(trial, tmp_path):
    store = Store(tmp_path / "home/store")
    assert reached(trial("sft"), Resources(trial("sft"), store, SILENT)) is None
    config = trial()
    config = config.replace(train=config.train.replace(steps=None, epochs=0.1))
    assert reached(config, Resources(config, store, SILENT)) is None


def test_pairs_that_are_too_long_are_not_among_them(trial, tmp_path):
    config = trial()
    nouns = [f"Ort{number}" + "lang" * 20 * (number % 2) for number in range(NUM_PAIRS)]
    write_corpus(tmp_path / "train.jsonl", nouns)
    config = config.replace(train=config.train.replace(max_length=64))
    pairs = reached(config, Resources(config, Store(tmp_path / "home/store"), SILENT))
    assert pairs is not None
    assert len({pair.id for pair in pairs}) == STEPS * BATCH
    assert not any("lang" in pair.source for pair in pairs)


def test_the_texts_to_write_are_counted_before_anything_is_loaded(trial, tmp_path):
    home, config = tmp_path / "home", trial()
    other = config.replace(variant={**config.variant.plain(), "rationale_weight": 0.5})
    before = texts_to_write([config, other, trial("sft")], home)
    assert before == Texts(STEPS * BATCH, 3 * STEPS * BATCH, True, None)
    assert not (home / "store/completions").exists()
    examples_of(config, home)
    assert texts_to_write([config, other], home) == Texts(0, 0, False, 0.0)
    longer = texts_to_write([trial(num_steps=STEPS + 3)], home)
    assert longer.texts == 3 * BATCH
    assert not longer.at_most
    assert 0 < longer.tokens <= 3 * 3 * BATCH
    assert longer.seconds is not None
    assert longer.seconds > 0


def test_text_of_few_that_is_gone_meanwhile_is_made_of_the_same_pairs(trial, tmp_path, monkeypatch):
    home, config = tmp_path / "home", trial()
    examples, first = examples_of(config, home)
    store = Store(home / "store")
    store.remove(home / "store/examples" / first.stages["examples"])
    monkeypatch.setattr(Store, "has", lambda self, stage: "reached" in stage.identity)
    again, tuning = examples_of(config, home)
    assert tuning.stages["examples"] == first.stages["examples"]
    assert again.examples == examples.examples
