from dataclasses import replace

import pytest

from harness.records import Objective, SweepTrial, parse_key
from harness.report.reference import best_of_variants, reference_trial
from harness.statistics.representative import (
    confirmed_representative,
    merit,
    representative,
)
from tests.synthetic import make_record, make_result

GENERAL = parse_key("general/summary")
BLEU = parse_key("translation/en_de_validation/bleu")
LENGTH = parse_key("translation/en_de_validation/output_length")
OBJECTIVES = (Objective(BLEU, True, 20.0, 10.0), Objective(GENERAL, True, 0.5, 0.5))


def trial(number, *values, broken=0.0, confirmed=()):
    return SweepTrial(
        number, "complete", {}, values=values, violations={"c": broken}, confirmed=confirmed
    )


def test_merit_counts_each_objective_in_units_of_its_scale():
    assert merit((30.0, 0.75), OBJECTIVES) == pytest.approx(3.0 + 1.5)


def test_merit_falls_where_less_is_better():
    shorter = Objective(LENGTH, False, 100.0, 20.0)
    assert merit((40.0,), (shorter,)) == -2.0


def test_the_references_of_the_hypervolume_do_not_matter():
    trials = [trial(0, 34.0, 0.5), trial(1, 30.0, 0.8)]
    far = [replace(objective, reference=-1000.0) for objective in OBJECTIVES]
    assert representative(trials, OBJECTIVES) == representative(trials, far) == trials[1]


def test_one_that_breaks_a_constraint_stands_in_only_where_all_do():
    broken, kept = trial(0, 40.0, 0.9, broken=0.1), trial(1, 20.0, 0.1)
    assert representative([broken, kept], OBJECTIVES) == kept
    worse = trial(2, 10.0, 0.1, broken=0.2)
    assert representative([worse, broken], OBJECTIVES) == broken


def test_of_equals_the_earlier_stands_whatever_the_order():
    first, second = trial(3, 30.0, 0.5), trial(8, 30.0, 0.5)
    assert representative([second, first], OBJECTIVES) == first


def test_nothing_complete_has_no_representative():
    assert representative([], OBJECTIVES) is None
    assert representative([SweepTrial(0, "failed", {})], OBJECTIVES) is None


def test_where_some_have_test_scores_one_of_them_stands():
    runs = (make_result(num_items=10),)
    weak, strong = trial(0, 20.0, 0.5, confirmed=runs), trial(1, 40.0, 0.9)
    assert confirmed_representative([weak, strong], OBJECTIVES) == weak
    assert confirmed_representative([strong], OBJECTIVES) == strong


def test_the_reference_of_a_report_is_chosen_as_every_other_method_is():
    record = make_record(num_items=10)
    best = best_of_variants(record)
    assert {name: reference_trial(record, name) for name in best} == best
    for name, chosen in best.items():
        rivals = [
            one
            for one in record.trials
            if one.values is not None and one.feasible and one.params["variant.name"] == name
        ]
        rivals = [one for one in rivals if one.confirmed] or rivals
        assert chosen == max(rivals, key=lambda one: merit(one.values, record.objectives))
