"""What a report makes of the axes that benchmarks say, whatever their suites are called."""

from dataclasses import replace

import pytest

from harness.records import Axis, Purpose, Split, parse_key
from harness.report.analysis_tables import retention_table
from harness.report.curves import MethodCurves
from harness.report.details import scores_table
from harness.report.names import axis_of
from harness.report.reference import best_of_variants
from harness.report.scored import scored
from harness.report.tables import trials_table
from tests.synthetic import make_record

GENERAL, TRANSLATION = parse_key("pocket_general/summary"), parse_key("pocket_translation/summary")
FACTS, SUMS = "pocket_general/facts", "pocket_general/arithmetic"
EN_DE = "pocket_translation/en_de"


@pytest.fixture(scope="module")
def record():
    return make_record(num_items=20)


def saying(record, axes, splits=tuple(Split)):
    """The record, its results saying what these benchmarks are for."""
    purposes = {
        f"{benchmark}_{split}": Purpose(said, axis)
        for benchmark, axis in axes.items()
        for split, said in zip(Split, splits, strict=True)
    }

    def told(runs):
        return tuple(replace(run, purposes=purposes) for run in runs)

    trials = tuple(
        replace(trial, results=told(trial.results), confirmed=told(trial.confirmed))
        for trial in record.trials
    )
    (base,) = told([record.base])
    return replace(record, trials=trials, base=base)


def headings(record):
    return [column.name for column in trials_table(scored(record)).columns]


def kept_benchmarks(record):
    best = best_of_variants(record).items()
    methods = [MethodCurves(variant, trial, 0, ()) for variant, trial in best]
    return [row[0] for row in retention_table(record, methods).rows]


def test_without_a_word_on_it_the_suites_name_says_what_is_to_be_retained(record):
    assert axis_of(record, TRANSLATION) is Axis.TRANSLATION
    assert "general kept" in headings(record)
    assert "translation kept" not in headings(record)


def test_a_suite_of_translation_has_no_retention_whatever_it_is_called(record):
    mine = saying(record, {FACTS: Axis.TRANSLATION, SUMS: Axis.TRANSLATION})
    assert axis_of(mine, GENERAL) is Axis.TRANSLATION
    assert "general kept" not in headings(mine)
    assert not any(name.startswith("pocket_general") for name in kept_benchmarks(mine))


def test_a_suite_of_several_axes_has_no_retention_and_each_benchmark_counts_for_its_own(record):
    mixed = saying(record, {FACTS: Axis.TRANSLATION, SUMS: Axis.SAFETY})
    assert axis_of(mixed, GENERAL) is None
    assert "general kept" not in headings(mixed)
    assert f"{SUMS}_validation" in kept_benchmarks(mixed)
    assert f"{FACTS}_validation" not in kept_benchmarks(mixed)


def test_scores_stand_in_the_table_of_the_split_their_keys_say(record):
    run = record.base
    as_test = {replace(key, split=Split.TEST): score for key, score in run.scores.items()}
    alone = replace(record, base=replace(run, scores=as_test), trials=(), front=())
    assert scores_table(scored(alone), Split.VALIDATION) is None
    assert len(scores_table(scored(alone), Split.TEST).rows) == len(run.scores)
