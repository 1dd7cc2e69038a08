import json
from pathlib import Path

import pytest

from harness.errors import ConfigError, MissingExtra
from harness.storage import leases
from harness.sweep.budget import budget_of, planned
from harness.sweep.spec import SweepSpec
from harness.sweep.study import Study, find_study, mend_journal, open_study

GUIDED = {
    "variant.name": {"values": ["sft", "radis"]},
    "variant.rationale_weight": {
        "low": 0.1,
        "high": 3.0,
        "log": True,
        "when": {"variant.name": "radis"},
    },
    "lora.rank": {"low": 2, "high": 16},
}


def guided(spec: SweepSpec, name: str, trials: int = 8) -> SweepSpec:
    return spec.replace(space=GUIDED, sampler={"name": name, "startup": 3}, trials=trials)


def opened(path: Path, spec: SweepSpec, url: str | None = None) -> Study:
    study = open_study(None if url else path, url, spec.name, [True, True])
    study.prepare(spec, planned(spec))
    return study


def finish(study: Study, number: int, params: dict) -> None:
    rank = params["lora.rank"]
    study.tell(number, (rank / 16, 1 - rank / 16), {"general/summary >= 0.2": rank / 16 - 0.8})


def run(path: Path, spec: SweepSpec, until: int = 100) -> list[dict]:
    study = opened(path, spec)
    budget = budget_of(spec, planned(spec))
    while len(study.trials()) < until and (asked := study.ask(budget)) is not None:
        finish(study, *asked)
    return [trial.params for trial in study.trials()]


@pytest.mark.parametrize("name", ["tpe", "nsga2", "random"])
def test_an_interrupted_sweep_goes_on_to_the_same_trials(
    tmp_path: Path, spec: SweepSpec, name: str
) -> None:
    spec = guided(spec, name)
    undisturbed = run(tmp_path / "a.log", spec)
    assert len(undisturbed) == 8
    run(tmp_path / "b.log", spec, until=5)
    assert run(tmp_path / "b.log", spec) == undisturbed


@pytest.mark.slow
def test_gp_proposes_within_a_conditional_space(tmp_path: Path, spec: SweepSpec) -> None:
    found = run(tmp_path / "a.log", guided(spec, "gp", trials=5))
    assert len(found) == 5
    assert all(("variant.rationale_weight" in p) == (p["variant.name"] == "radis") for p in found)


TURNS = {**GUIDED, "lora.rank": {"low": 2, "high": 64}}


def in_turns(spec: SweepSpec, name: str, trials: int = 4) -> SweepSpec:
    sampler = {"name": name, "startup": 2}
    return spec.replace(space=TURNS, sampler=sampler, trials=trials, trials_per="variant.name")


@pytest.mark.parametrize(
    "name", ["tpe", "nsga2", "random", pytest.param("gp", marks=pytest.mark.slow)]
)
def test_values_that_take_turns_get_the_same_number_of_trials(
    tmp_path: Path, spec: SweepSpec, name: str
) -> None:
    params = run(tmp_path / "a.log", in_turns(spec, name))
    assert [p["variant.name"] for p in params] == ["sft", "radis"] * 4
    assert all(("variant.rationale_weight" in p) == (p["variant.name"] == "radis") for p in params)
    assert len({json.dumps(p, sort_keys=True) for p in params}) == 8


@pytest.mark.parametrize("name", ["tpe", "nsga2", "random"])
def test_turns_go_on_after_an_interruption_and_with_a_larger_budget(
    tmp_path: Path, spec: SweepSpec, name: str
) -> None:
    undisturbed = run(tmp_path / "a.log", in_turns(spec, name, trials=6))
    run(tmp_path / "b.log", in_turns(spec, name, trials=3), until=5)
    run(tmp_path / "b.log", in_turns(spec, name, trials=3))
    assert run(tmp_path / "b.log", in_turns(spec, name, trials=6)) == undisturbed


def test_a_trial_that_was_begun_keeps_its_value_for_whoever_continues_it(
    tmp_path: Path, spec: SweepSpec
) -> None:
    spec = in_turns(spec, "tpe")
    study = opened(tmp_path / "a.log", spec)
    for _ in range(5):
        number, params = study.ask(8)
        if number < 4:
            finish(study, number, params)
    study.release()
    assert opened(tmp_path / "a.log", spec).ask(8) == (4, params)
    assert params["variant.name"] == "sft"


@pytest.mark.parametrize("name", ["tpe", "nsga2"])
def test_what_one_value_is_tried_with_does_not_depend_on_the_scores_of_another(
    tmp_path: Path, spec: SweepSpec, name: str
) -> None:
    def ranks_of_sft(radis: float, path: Path) -> list:
        spec_ = in_turns(spec, name, trials=6)
        study = opened(path, spec_)
        while (asked := study.ask(12)) is not None:
            number, params = asked
            rank = params["lora.rank"] / 64
            score = rank if params["variant.name"] == "sft" else radis
            study.tell(number, (score, 1 - score**2), {})
        return [p.params["lora.rank"] for p in study.trials()][::2]

    assert ranks_of_sft(0.1, tmp_path / "a.log") == ranks_of_sft(0.9, tmp_path / "b.log")


def test_a_grid_in_turns_gives_each_value_its_share_and_the_rest_to_who_has_more(
    spec: SweepSpec,
) -> None:
    spec = spec.replace(trials_per="variant.name", trials=3)
    variants = [params["variant.name"] for params in planned(spec)]
    assert variants == ["sft", "radis", "sft", "radis", "radis"]  # sft has two: its ranks


def test_random_draws_are_the_same_for_each_value_where_they_share_a_setting(
    spec: SweepSpec,
) -> None:
    params = planned(in_turns(spec, "random"))
    ranks = [[p["lora.rank"] for p in params if p["variant.name"] == v] for v in ("sft", "radis")]
    assert ranks[0] == ranks[1]
    assert len(set(ranks[0])) == 4


def test_the_first_trials_are_the_planned_ones(tmp_path: Path, spec: SweepSpec) -> None:
    spec = guided(spec, "tpe")
    assert run(tmp_path / "a.log", spec)[:3] == planned(spec)


def test_a_grid_is_asked_for_in_order_and_ends(tmp_path: Path, spec: SweepSpec) -> None:
    assert run(tmp_path / "a.log", spec) == planned(spec)
    assert len(planned(spec)) == 8


def test_a_larger_budget_continues(tmp_path: Path, spec: SweepSpec) -> None:
    first = run(tmp_path / "a.log", guided(spec, "random", trials=3))
    assert run(tmp_path / "a.log", guided(spec, "random", trials=6))[:3] == first


def test_lists_survive_as_values(tmp_path: Path, spec: SweepSpec) -> None:
    space = {"lora.target_modules": {"values": ["all-linear", ["q_proj", "v_proj"]]}}
    study = opened(tmp_path / "a.log", spec.replace(space=space, confirm=None))
    study.ask(2)
    assert study.ask(2) == (1, {"lora.target_modules": ["q_proj", "v_proj"]})
    assert study.trials()[1].params == {"lora.target_modules": ["q_proj", "v_proj"]}


def test_what_was_told_is_remembered(tmp_path: Path, spec: SweepSpec) -> None:
    study = opened(tmp_path / "a.log", spec)
    for _ in range(2):
        study.ask(8)
    study.tell(0, (0.5, 0.25), {"general/summary >= 0.2": 0.1})
    study.fail(1, "the loss is not finite")
    found = find_study(tmp_path / "a.log", None, spec.name)
    assert found is not None
    complete, failed = found.trials()
    assert (complete.state, complete.values) == ("complete", (0.5, 0.25))
    assert complete.violations == {"general/summary >= 0.2": 0.1}
    assert (failed.state, failed.notes["reason"]) == ("failed", "the loss is not finite")


def test_there_is_no_study_before_it_began(tmp_path: Path) -> None:
    assert find_study(tmp_path / "a.log", None, "toy") is None
    assert list(tmp_path.iterdir()) == []


def test_a_trial_whose_owner_is_gone_is_asked_for_again(
    tmp_path: Path, spec: SweepSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = leases.Owner("elsewhere", 1, "1")
    with monkeypatch.context() as patch:
        patch.setattr(leases, "this_process", lambda: gone)
        patch.setattr(leases, "LEASE_S", -1.0)
        asked = opened(tmp_path / "a.log", spec).ask(8)
    again = opened(tmp_path / "a.log", spec)
    assert again.trials()[0].state == "waiting"
    assert again.ask(8) == asked
    assert again.trials()[0].state == "running"


@pytest.mark.parametrize("shared", ["sqlite", "journal"])
def test_two_parents_on_one_storage_never_get_the_same_trial(
    tmp_path: Path, spec: SweepSpec, shared: str
) -> None:
    url = f"sqlite:///{tmp_path}/study.db" if shared == "sqlite" else str(tmp_path / "shared.log")
    first, second = (opened(tmp_path, spec, url) for _ in range(2))
    asked = [parent.ask(8) for _ in range(4) for parent in (first, second)]
    assert [number for number, _ in filter(None, asked)] == list(range(8))
    assert [first.ask(8), second.ask(8)] == [None, None]
    first.release()
    taken_over = second.ask(8)
    assert taken_over is not None
    assert taken_over[0] == 0


def test_a_storage_that_cannot_be_opened_says_so(spec: SweepSpec) -> None:
    with pytest.raises(ConfigError, match=r"--storage sqlite:////nowhere/x\.db: cannot be opened"):
        opened(Path(), spec, "sqlite:////nowhere/x.db")
    with pytest.raises((MissingExtra, ConfigError), match=r"--storage postgresql://"):
        opened(Path(), spec, "postgresql://localhost:1/none")


def test_a_journal_cut_in_the_middle_of_a_line_is_mended(tmp_path: Path, spec: SweepSpec) -> None:
    path = tmp_path / "a.log"
    study = opened(path, spec)
    study.ask(8)
    before = [trial.number for trial in study.trials()]
    with path.open("ab") as file:
        file.write(b'{"op_code": 4, "tri')
    path.with_name("a.log.lock").symlink_to(path)
    mend_journal(path)
    again = opened(path, spec)
    assert [trial.number for trial in again.trials()] == before
    again.note(run_id="abc")
    assert opened(path, spec).notes["run_id"] == "abc"
