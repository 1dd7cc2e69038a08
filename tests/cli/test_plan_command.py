from dataclasses import replace
from pathlib import Path

import pytest
from scipy import stats

from harness.gate.baseline import update_baseline
from tests.synthetic import keep_record, make_record, make_result

GENERAL = "pocket_general/summary_test"
GUESS = ("--sd-seeds", 0.02, "--sd-items", 0.4, "--items", 400)


@pytest.fixture
def swept(harness):
    record = make_record(fresh_seeds=(101, 102, 103), num_trials=5, num_items=20)
    keep_record(record, Path(".harness"))
    return harness


@pytest.fixture
def gated(harness):
    runs = [make_result(seed=seed, splits=("test",), num_items=20) for seed in range(1, 4)]
    update_baseline(Path("baseline.json"), runs)
    return harness


def plans(harness, *arguments):
    shown = harness("plan", *arguments, "--json")
    assert shown.code == 0, shown.err
    return shown.document["plans"]


def test_a_sweep_is_planned_for_at_its_objectives_and_its_margins(swept):
    first, second = plans(swept, "pocket")
    assert (first["key"], second["key"]) == (
        "pocket_translation/summary_test",
        "pocket_general/summary_test",
    )
    assert (first["aim"], first["amount"], first["items"]) == ("difference", 0.02, 20)


def test_fewer_than_five_seeds_are_never_planned(swept):
    (plan,) = plans(swept, "pocket", "--metric", GENERAL, "--difference", 0.9)
    assert (plan["seeds"], plan["seeds_needed"]) == (5, [5, 5])  # three were run
    assert swept("plan", "pocket", "--seeds", 4).code == 2


def test_three_seeds_give_a_range(swept):
    (plan,) = plans(swept, "pocket", "--metric", GENERAL, "--difference", 0.05)
    best, worst = plan["least_amount"]
    assert best < worst
    few, many = plan["items_needed"]["10"]
    assert many is None or few < many


def test_a_sweep_is_named_by_its_yaml_too(swept):
    yaml = Path(__file__).parents[2] / "sweeps/pocket.yaml"
    with pytest.MonkeyPatch.context() as patch:
        home = Path(".harness").absolute()
        patch.chdir(yaml.parents[1])
        assert plans(swept, yaml, "--home", home) == plans(swept, "pocket", "--home", home)


def test_a_sweep_is_named_as_in_other_commands_too(swept):
    assert plans(swept, "sweep:pocket") == plans(swept, "pocket")


def test_a_sweep_without_items_at_its_objectives_says_so(harness):
    record = make_record(fresh_seeds=(), num_trials=2, num_items=6)
    bare = [
        replace(trial, results=tuple(replace(run, summaries={}) for run in trial.results))
        for trial in record.trials
    ]
    keep_record(replace(record, trials=tuple(bare)), Path(".harness"))
    shown = harness("plan", "pocket")
    assert shown.code == 2
    assert "no run has items that add up to pocket_translation/summary or" in shown.err


def test_metrics_that_are_no_objectives_can_be_planned_for(swept):
    (plan,) = plans(swept, "pocket", "--metric", "chrf")
    assert (plan["key"], plan["amount"]) == ("pocket_translation/en_de_test/chrf", 0.5)


def test_a_baseline_is_planned_for_at_its_tolerances(gated):
    found = {plan["key"]: plan for plan in plans(gated, "baseline.json")}
    bleu = found["pocket_translation/en_de_test/bleu"]
    assert (bleu["aim"], bleu["amount"]) == ("tolerance", 1.0)
    assert "pocket_translation/en_de_test/chrf" not in found  # informs only
    # all keys are to pass together
    assert bleu["least_power"] == pytest.approx(0.8 ** (1 / len(found)))


def test_a_tolerance_is_given_for_all_or_by_pattern(gated):
    found = plans(gated, "baseline.json", "--tolerance", 0.1, "--tolerance", "*/bleu=7")
    assert {plan["amount"] for plan in found if plan["key"].endswith("bleu")} == {7.0}
    assert {plan["amount"] for plan in found if not plan["key"].endswith("bleu")} == {0.1}


def test_a_larger_tolerance_is_reached_with_fewer_items(gated):
    (wide,) = plans(gated, "baseline.json", "--metric", "bleu", "--tolerance", 60)
    (narrow,) = plans(gated, "baseline.json", "--metric", "bleu", "--tolerance", 30)
    assert wide["items_needed"]["5"][0] < narrow["items_needed"]["5"][0]
    assert wide["power"][1] > narrow["power"][1]


def test_a_guess_is_planned_for_without_any_run(harness):
    (plan,) = plans(harness, *GUESS, "--difference", 0.05)
    # V = 2 (.02^2) / 5 + .16 / 400 = .00056; its df = V^2 / (.0004^2 / 399 + .00016^2 / 4)
    variance = 0.00056
    df = variance**2 / (0.0004**2 / 399 + 0.00016**2 / 4)
    t_test = stats.nct(df, 0.05 / variance**0.5)
    assert plan["power"] == pytest.approx([t_test.sf(stats.t(df).ppf(0.975))] * 2)
    assert plan["seeds_needed"][0] == plan["seeds_needed"][1]


def test_what_must_grow_is_said_in_words(harness):
    shown = harness("plan", "--sd-seeds", 0.1, "--sd-items", 0, "--items", 400, "--difference", 0.1)
    assert "items alone are not enough: the seeds must grow" in " ".join(shown.out.split())
    shown = harness("plan", "--sd-seeds", 0, "--sd-items", 1, "--items", 400, "--difference", 0.1)
    assert "seeds alone are not enough: the items must grow" in " ".join(shown.out.split())


def test_the_table_fits_80_columns(swept, gated):
    for source in ("pocket", "baseline.json"):
        shown = swept("plan", source)
        assert shown.code == 0, shown.err
        assert max(map(len, shown.out.splitlines())) <= 80


def test_keys_without_a_margin_are_named(swept):
    shown = swept("plan", "pocket", "--metric", "output_length")
    assert "No margin is known for pocket_translation/en_de_test/output_length" in " ".join(
        shown.out.split()
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "found no sweep or baseline, and of a guess no --sd-seeds"),
        (GUESS, "no --difference or --tolerance"),
        (("pockt",), "unknown sweep 'pockt'; did you mean 'pocket'?"),
        (("nowhere.json",), "nowhere.json: no such file"),
        (("nowhere.yaml",), "nowhere.yaml: no such file"),
        (("pocket", "--metric", "chrff"), "did you mean 'chrf'?"),
        (("pocket", "--difference", "genral=0.1"), "did you mean 'general'?"),
        (("pocket", "--difference", "0"), "--difference 0: allowed [NAME=]X with a number above 0"),
        (("pocket", "--tolerance", "nan"), "--tolerance nan: allowed [PATTERN=]X"),
        (("pocket", "--sd-seeds", "0.1"), "found --sd-seeds beside it"),
        (("--sd-seeds", "nan", *GUESS[2:]), "'--sd-seeds': nan is not a finite number"),
        (("--sd-items", "inf", *GUESS[:2]), "'--sd-items': inf is not a finite number"),
        ((*GUESS, "--difference", 1, "--sd-rest", 1), "allowed at most 0.283"),
    ],
)
def test_bad_calls_say_what_is_allowed(swept, arguments, said):
    shown = swept("plan", *arguments)
    assert shown.code == 2
    assert said in shown.err


def test_a_sweep_of_one_seed_each_tells_nothing(harness):
    keep_record(
        make_record(seeds=(1,), fresh_seeds=(), num_trials=2, num_items=6), Path(".harness")
    )
    shown = harness("plan", "pocket")
    assert shown.code == 2
    assert "found one seed of each configuration, allowed two seeds or more" in shown.err
    assert "--sd-seeds" in shown.err


def test_a_sweep_without_a_finished_run_tells_nothing(harness):
    record = make_record(num_trials=0, fresh_seeds=())
    keep_record(record, Path(".harness"))
    shown = harness("plan", "pocket")
    assert shown.code == 2
    assert "found no finished runs, allowed two seeds or more" in shown.err


def test_a_baseline_of_one_seed_tells_nothing(harness):
    update_baseline(Path("baseline.json"), [make_result()])
    shown = harness("plan", "baseline.json")
    assert shown.code == 2
    assert "found 1 seeds, allowed 3 or more" in shown.err
