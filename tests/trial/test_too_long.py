"""Every road by which text gets to a training: what is too long is left out, counted and named."""

import logging

from harness.data.examples import save_examples
from harness.records import Example, ExampleSet, Role, Segment
from harness.storage.store import Store
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from harness.trial.train import TrainingJob, train_adapter
from tests.projects import write_corpus, write_project

LIMIT = 120


def example(name, length, role=Role.TRANSLATION, task=True):
    prompt = Segment(Role.PROMPT, "", token_ids=tuple(range(5, 45)))
    answer = Segment(role, "", token_ids=(50,) * (length - 40))
    return Example(name, (prompt, answer), name if task else None)


def trained(folder, tuning, examples):
    written = folder / "examples"
    written.mkdir()
    save_examples(written, examples)
    job = TrainingJob(tuning.config, written, None, folder / "store")
    return train_adapter(folder, job, tuning.resources)


def test_what_is_too_long_is_counted_by_what_it_is_for(tmp_path, tiny_model_dir, caplog):
    caplog.set_level(logging.WARNING)
    variant = {"name": "ewc", "strength": 1.0}
    config = write_project(tmp_path, tiny_model_dir, variant=variant)
    write_corpus(tmp_path / "validation.jsonl", ["Dachs", "D" + "a" * LIMIT + "chs", "Bär"])
    train = config.train.replace(max_length=LIMIT, steps=1)
    tuning = Tuning(config.replace(train=train), Store(tmp_path / "home"), Timeline(lambda _: None))
    made = ExampleSet(
        (example("fits", LIMIT), example("too-long", LIMIT + 1), example("also", 60)),
        probes=tuple(
            example(f"probe-{length}", length, Role.REPLY, task=False)
            for length in (50, LIMIT, LIMIT + 1, LIMIT + 30)
        ),
    )
    facts = trained(tmp_path, tuning, made)
    assert facts["data/too_long"] == 1
    assert facts["data/validation/too_long"] == 1
    assert facts["data/probes/too_long"] == 2
    assert "1 of 3 training examples have more tokens than train.max_length (120)" in caplog.text
    assert "(too-long)" in caplog.text
    assert "(probe-121, probe-150)" in caplog.text


def test_where_all_fits_nothing_else_is_said(tmp_path, tiny_model_dir, caplog):
    config = write_project(tmp_path, tiny_model_dir, variant="sft")
    tuning = Tuning(config, Store(tmp_path / "home"), Timeline(lambda _: None))
    made = ExampleSet((example("one", 60), example("two", 50)))
    facts = trained(tmp_path, tuning, made)
    assert [name for name in facts if "too_long" in name] == ["data/too_long"]
    assert facts["data/too_long"] == 0
    assert "max_length" not in caplog.text
