"""An adapter's identity tells how its turns end where that was trained otherwise once."""

import json

import pytest

from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from tests.planned import PlannedStore
from tests.projects import write_project
from tests.toys.tiny import CHAT_TEMPLATE, save_tiny

BLANK, PAD, END, USER = 225, 0, 1, 3
"""Ids of the tiny tokenizer."""


@pytest.mark.parametrize(
    ("behind", "lists", "ending"),
    [
        ("'<|end|>'", [END], None),
        ("'<|end|>\\n'", [END], None),
        ("'<|end|>'", [PAD, END], None),
        ("''", [END], None),
        ("' <|end|>'", [END], [BLANK, END]),
        ("'<|pad|><|end|>'", [END], [PAD, END]),
        ("''", [END, USER], [USER]),
    ],
)
def test_an_unusual_ending_is_part_of_what_an_adapter_is(behind, lists, ending, tmp_path):
    config = write_project(tmp_path, save_tiny(tmp_path / "model"))
    template = CHAT_TEMPLATE.replace("'<|end|>'", behind)
    (tmp_path / "model" / "chat_template.jinja").write_text(template)
    stops = json.dumps({"eos_token_id": lists})
    (tmp_path / "model" / "generation_config.json").write_text(stops)
    store = PlannedStore(tmp_path / "home")
    Tuning(config, store, Timeline(lambda event: None)).adapter()
    adapter = next(stage for stage in store.stages if stage.name == "adapter")
    assert adapter.identity.get("ending") == ending
