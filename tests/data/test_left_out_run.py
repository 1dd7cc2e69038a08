"""A run on a corpus with faulty rows says how many it did without."""

import pytest

from harness.trial.run import run_trial
from tests.projects import write_project


@pytest.mark.slow
def test_a_run_tells_what_its_corpus_lost(tmp_path, tiny_model_dir):
    config = write_project(tmp_path, tiny_model_dir)
    corpus = tmp_path / config.data.train.path
    text = corpus.read_text()
    num_rows = len(text.splitlines())
    again = text.splitlines()[0].replace('"id": "', '"id": "again-')
    corpus.write_text(f"{text}{again}\n")
    train = config.data.train.replace(path=str(corpus), checks={"max_duplicates": 0.5})
    checked = config.replace(data=config.data.replace(train=train))
    facts = run_trial(checked, home=tmp_path / "home", on_event=lambda event: None).facts
    assert facts["corpus/train/rows"] == num_rows + 1
    assert facts["corpus/train/left_out/duplicates"] == 1
    assert [name for name in facts if name.startswith("corpus/")] == [
        "corpus/train/left_out/duplicates",
        "corpus/train/rows",
    ]
