"""Training on a model of few positions."""

import logging

import pytest

from harness.errors import DataError
from harness.records import StepEvent
from harness.storage.store import Store
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from tests.models.test_limits import GPT2, as_architecture
from tests.projects import write_corpus, write_project


def steps(folder, model, nouns=("Hund", "Katze", "Maus")):
    events = []
    config = write_project(folder, model)
    write_corpus(folder / "train.jsonl", nouns)
    settings = {"steps": 2, "epochs": None, "log_every": 1, "batch_size": 4}
    config = config.replace(
        variant={"name": "sft"},
        train=config.train.replace(**settings),
        lora=config.lora.replace(dropout=0.0),
    )
    Tuning(config, Store(folder / "home"), Timeline(events.append)).adapter()
    return [event.step for event in events if isinstance(event, StepEvent)]


def test_rows_longer_than_the_context_are_left_out_and_counted(tmp_path, caplog):
    model = as_architecture(tmp_path / "gpt2", "gpt2", **GPT2 | {"n_positions": 90})
    with caplog.at_level(logging.WARNING):
        assert steps(tmp_path / "project", model, ["Hund", "Katze " * 60, "Maus"])[-1] == 2
    assert "more tokens than the model's context (90)" in caplog.text


def test_where_no_row_fits_the_context_it_is_an_error(tmp_path):
    model = as_architecture(tmp_path / "gpt2", "gpt2", **GPT2 | {"n_positions": 8})
    with pytest.raises(DataError, match="more than 8 tokens"):
        steps(tmp_path / "project", model)
