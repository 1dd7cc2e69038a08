import json
from pathlib import Path

import pytest

from harness.sweep.budget import Shares, warning_of
from harness.sweep.plan import ASSUMED_RUN_S, plan_sweep
from harness.sweep.spec import SweepSpec

HOME = Path("home")


def test_a_plan_counts_and_writes_nothing(spec: SweepSpec) -> None:
    plan = plan_sweep(spec, home=HOME, workers=2)
    assert (plan.trials, plan.ended, plan.guided, plan.search_runs) == (8, 0, 0, 8)
    assert plan.confirm_runs == (4 + 1) * 2
    assert plan.run_seconds == ASSUMED_RUN_S
    assert plan.seconds == ASSUMED_RUN_S * 18 / 2
    assert "assumed" in plan.basis
    assert plan.tokens == {}
    assert len(plan.configurations) == 8
    assert not HOME.exists()


def test_a_plan_says_how_many_trials_are_guided(spec: SweepSpec) -> None:
    spec = spec.replace(sampler={"name": "tpe", "startup": 5}, trials=12, seeds=(1, 2))
    plan = plan_sweep(spec, home=HOME)
    assert (plan.guided, plan.search_runs, len(plan.configurations)) == (7, 24, 5)


def test_a_plan_says_what_each_method_is_tried_with(spec: SweepSpec) -> None:
    shares = plan_sweep(spec, home=HOME).shares
    assert shares == Shares("variant.name", {"sft": 2, "radis": 6})
    warning = str(warning_of(shares))
    assert warning.startswith("configurations by variant.name: sft 2, radis 6.")
    assert "`trials_per: variant.name`" in warning


def test_turns_give_equal_shares_with_whatever_sampler(spec: SweepSpec) -> None:
    for sampler in ("grid", "random", "tpe"):
        turns = spec.replace(sampler=sampler, trials=2, trials_per="variant.name")
        plan = plan_sweep(turns, home=HOME)
        assert plan.trials == 4
        assert plan.shares == Shares("variant.name", {"sft": 2, "radis": 2})
        assert warning_of(plan.shares) is None


def test_a_method_with_fewer_settings_than_trials_is_told_of(spec: SweepSpec) -> None:
    turns = spec.replace(sampler="tpe", trials=5, trials_per="variant.name")
    assert plan_sweep(turns, home=HOME).shares == Shares("variant.name", {"sft": 2, "radis": 5})


def test_without_turns_a_learning_sampler_decides_what_each_gets(spec: SweepSpec) -> None:
    assert plan_sweep(spec.replace(sampler="tpe", trials=8), home=HOME).shares is None


def test_turns_of_another_setting_are_counted_by_it(spec: SweepSpec) -> None:
    turns = spec.replace(trials_per="lora.rank", trials=3)
    assert plan_sweep(turns, home=HOME).shares == Shares("lora.rank", {"4": 3, "8": 3})


def test_the_fronts_of_the_methods_are_counted_at_most(spec: SweepSpec) -> None:
    fronts = {"seeds": (11,), "members": "fronts", "compare": "variant.name", "at_most": 2}
    assert plan_sweep(spec.replace(confirm=fronts), home=HOME).confirm_runs == 4


def test_earlier_runs_tell_time_and_tokens(spec: SweepSpec) -> None:
    folder = HOME / "trials"
    folder.mkdir(parents=True)
    for name, seconds in (("sft", 10.0), ("radis", 20.0), ("radis", 0.0)):
        result = {
            "variant": name,
            "seconds": {"adapter": seconds, "predictions": 2.0},
            "facts": {"train/tokens": 100 * seconds, "cost/generated_tokens": 50},
        }
        path = folder / f"{name}{seconds}.json"
        path.write_text(json.dumps({"format": 1, "results": [result]}))
    plan = plan_sweep(spec.replace(confirm=None), home=HOME)
    assert plan.run_seconds == pytest.approx((2 * 12 + 6 * 22) / 8)
    assert plan.tokens["cost/generated_tokens"] == 8 * 50
    assert plan.basis == "mean of 2 earlier runs in this home"
