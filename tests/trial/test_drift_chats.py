import pytest

from harness.errors import DataError
from harness.records import Role, StepEvent
from harness.storage.store import Store
from harness.trial.drift_chats import answered_chats
from harness.trial.resources import Resources
from harness.trial.run import run_trial
from harness.trial.timeline import Timeline
from tests.projects import write_lines, write_project


def chat(number: int, skill: str | None) -> dict:
    found = {"id": f"c{number}", "messages": [{"role": "user", "content": f"Say {number}."}]}
    return found if skill is None else found | {"skill": skill}


@pytest.fixture
def project(tmp_path, tiny_model_dir):
    """A project with five chats of two skills and one of none, and a way to its resources."""
    chats = [chat(n, ("facts", "sums")[n % 2]) for n in range(5)] + [chat(5, None)]
    plain = write_project(tmp_path, tiny_model_dir, variant="sft")
    data = plain.data.plain() | {
        "instructions": {"path": str(write_lines(tmp_path / "chats.jsonl", chats))}
    }
    train = plain.train.plain() | {"drift_points": 2, "drift_chats": 2}
    return plain.replace(data=data, train=train)


def resources(config, folder):
    return Resources(config, Store(folder / "store"), Timeline(lambda event: None))


def test_the_first_chats_of_each_skill_are_answered_by_the_untuned_model(project, tmp_path):
    source = resources(project, tmp_path)
    rows = answered_chats(project, source)
    assert {skill: [row.example_id for row in found] for skill, found in rows.items()} == {
        "facts": ["c0", "c2"],
        "sums": ["c1", "c3"],
        "general": ["c5"],
    }
    row = rows["facts"][0]
    prompt = source.generator.tokenizer.encode_chat(source.corpora.instructions[0].messages)
    assert row.ids[: len(prompt)] == prompt
    assert set(row.roles[: len(prompt)]) == {Role.PROMPT}
    assert set(row.roles[len(prompt) :]) == {Role.REPLY}
    assert len(row.ids) > len(prompt)


def test_the_answers_are_made_once_for_all_seeds(project, tmp_path):
    first, second = resources(project, tmp_path), resources(project, tmp_path)
    assert answered_chats(project, first) == answered_chats(project.replace(seed=2), second)
    assert [built.reused for built in second.generator.built] == [True]


def test_chats_that_all_are_too_long_are_named(project, tmp_path):
    short = project.replace(train=project.train.replace(max_length=8))
    with pytest.raises(DataError, match=r"none of 6 chats fits into train\.max_length \(8\)"):
        answered_chats(short, resources(short, tmp_path))


@pytest.mark.slow
def test_the_drift_is_in_the_curves_of_a_trial(project, tmp_path):
    events = []
    result = run_trial(project, home=tmp_path / "home", on_event=events.append)
    points = [e for e in events if isinstance(e, StepEvent) and "train/drift/kl" in e.metrics]
    assert [point.step for point in points] == [1, 3]
    for key in ("agreement/facts", "agreement/general", "agreement", "norm/q_proj/0", "norm"):
        assert f"train/drift/{key}" in points[-1].metrics
    assert 0 < points[0].metrics["train/drift/kl"] < points[-1].metrics["train/drift/kl"]
    again = []
    facts = run_trial(project, home=tmp_path / "home", on_event=again.append).facts
    peak = "cost/peak_memory_gib"  # of the process, which goes on growing
    assert {**facts, peak: 0} == {**result.facts, peak: 0}
    assert [e for e in again if isinstance(e, StepEvent)] == [
        e for e in events if isinstance(e, StepEvent)
    ]


@pytest.mark.slow
def test_a_trial_goes_on_with_an_adapter_and_drifts_from_the_model_without(project, tmp_path):
    events = []
    chained = project.replace(chain=[{"variant": "sft", "train": {"steps": 4}}])
    run_trial(chained, home=tmp_path / "home", on_event=events.append)
    first = next(e for e in events if isinstance(e, StepEvent))
    assert first.num_steps == 3
    alone = []
    run_trial(project, home=tmp_path / "home", on_event=alone.append)
    fresh = next(e for e in alone if isinstance(e, StepEvent))
    assert first.metrics["train/drift/kl"] > 2 * fresh.metrics["train/drift/kl"]
