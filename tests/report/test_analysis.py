import json
import re
from dataclasses import replace
from statistics import fmean

import pytest

from harness.records import StepEvent, parse_key
from harness.report.analysis import analyse
from harness.report.analysis_tables import skills_by_fall
from harness.report.build import write_report
from harness.report.curves import MethodCurves, method_curves
from harness.report.fallbacks import fallbacks_table
from harness.report.forgetting import drift_figure, gradients_figure, layers_figure, skills_figure
from harness.report.reference import best_of_variants
from tests.synthetic import make_record

STEPS = (1, 20, 40)
DRIFT = {"sft": (0.0, 0.2, 0.4), "radis": (0.0, 0.02, 0.03)}
AGREEMENT = {
    "sft": {"facts": (1.0, 0.5, 0.25), "sums": (1.0, 1.0, 0.5), "howto": (1.0, 0.8, 0.95)},
    "radis": {"facts": (1.0, 1.0, 1.0), "sums": (1.0, 1.0, 0.95), "howto": (1.0, 1.0, 1.0)},
}


def curve(variant: str, shift: float) -> list[StepEvent]:
    """What a run of a method measured; its seeds lie ``shift`` apart from each other."""
    points = []
    for place, step in enumerate(STEPS):
        metrics = {
            "train/loss": 1.0 / step,
            "train/drift/kl": DRIFT[variant][place] + shift,
            "train/drift/norm": 2.0 * place + shift,
            "train/drift/norm/q_proj/0": 1.0 * place,
            "train/drift/norm/q_proj/1": 1.5 * place + shift,
            "train/drift/norm/up_proj/0": 0.5 * place,
            "train/drift/norm/up_proj/1": 0.25 * place,
        }
        for skill, shares in AGREEMENT[variant].items():
            metrics[f"train/drift/agreement/{skill}"] = shares[place]
        metrics["train/drift/agreement"] = sum(s[place] for s in AGREEMENT[variant].values()) / 3
        if variant == "radis":
            metrics["train/gradient_cosine"] = 0.1 * place + shift
        points.append(StepEvent(step, 40, metrics))
        points.append(StepEvent(step + 1, 40, {"train/loss": 1.0 / step}))
    return points


def with_curves(record, home):
    """The record, its runs with training curves in the store of ``home``."""
    trials = []
    for trial in record.trials:
        runs = []
        for run in trial.results:
            key = f"{trial.number:012}{run.seed:012}"
            folder = home / "store" / "adapter" / key
            folder.mkdir(parents=True, exist_ok=True)
            lines = [
                json.dumps({"step": e.step, "num_steps": e.num_steps, "metrics": e.metrics})
                for e in curve(run.variant, 0.02 * (run.seed - 1))
            ]
            (folder / "curves.jsonl").write_text("\n".join(lines) + "\n")
            costs = {"cost/training_tokens": 1000.0 * run.seed, "cost/completion_tokens": 0.0}
            runs.append(
                replace(run, stages={**run.stages, "adapter": key}, facts={**run.facts, **costs})
            )
        trials.append(replace(trial, results=tuple(runs)))
    return replace(record, trials=tuple(trials))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def record(home):
    return with_curves(make_record(home, num_items=20), home)


@pytest.fixture(scope="module")
def methods(record, home):
    return method_curves(record, home)


def rows_of(table):
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def tables_of(record, home):
    return {table.name: rows_of(table) for table in analyse(record, home).tables}


def test_each_method_is_shown_by_its_best_trial_plain_fine_tuning_first(record, methods):
    assert [one.variant for one in methods] == ["sft", "radis"]
    assert [one.trial for one in methods] == list(best_of_variants(record).values())
    assert methods[1].trial.number in record.front
    assert [len(one.runs) for one in methods] == [2, 2]


def test_a_band_is_the_mean_over_seeds_and_reaches_from_the_lowest_to_the_highest(methods):
    band = methods[0].band("train/drift/kl")
    assert tuple(band) == STEPS
    assert list(map(fmean, band.values())) == pytest.approx((0.01, 0.21, 0.41))
    assert list(map(min, band.values())) == pytest.approx((0.0, 0.2, 0.4))
    assert list(map(max, band.values())) == pytest.approx((0.02, 0.22, 0.42))
    assert not methods[0].band("train/gradient_cosine")


def test_only_steps_that_every_seed_has_are_in_a_band(methods):
    first, second = methods[0].runs
    cut = replace(methods[0], runs=(first, tuple(e for e in second if e.step != 20)))
    assert list(cut.band("train/drift/kl")) == [1, 40]


def test_skills_are_in_the_order_in_which_they_fall_for_good(methods):
    # howto falls at 20 and comes back; sums fall later than facts and less far.
    assert skills_by_fall(methods) == ["facts", "sums", "howto"]


def test_the_table_of_skills_says_from_which_step_and_how_much_is_left(record, home):
    rows = tables_of(record, home)["analysis_skills"]
    found = {
        (row["skill"], row["method"].split()[0]): (row["falls at step"], row["agreement"])
        for row in rows
    }
    assert found["facts", "sft"] == (20, 0.25)
    assert found["sums", "sft"] == (40, 0.5)
    assert found["howto", "sft"] == (None, 0.95)
    assert found["sums", "radis"] == (None, 0.95)


def test_the_table_of_drift_has_ends_and_spreads(record, home):
    sft, radis = tables_of(record, home)["analysis_drift"]
    divergence = sft["divergence"]
    assert (divergence.value, divergence.low, divergence.high) == pytest.approx((0.41, 0.4, 0.42))
    assert sft["cosine"] is None
    cosine = radis["cosine"]
    assert (cosine.value, cosine.low, cosine.high) == pytest.approx((0.11, 0.1, 0.12))
    assert sft["seeds"] == 2


def test_retention_is_the_score_above_chance_as_a_share_of_the_bases(record, home, methods):
    row = next(
        row
        for row in tables_of(record, home)["analysis_retention"]
        if row["benchmark"] == "pocket_general/facts_validation"
    )
    key = parse_key("pocket_general/facts_validation/exact_match")
    base = record.base.scores[key].value
    for one in methods:
        mean = sum(run.scores[key].value for run in one.trial.results) / 2
        kept = row[one.label]
        assert kept.value == pytest.approx(mean / base)
        assert kept.low < kept.value < kept.high
    assert row["untuned"] == base
    benchmarks = {row["benchmark"] for row in tables_of(record, home)["analysis_retention"]}
    assert not [name for name in benchmarks if "translation" in name]


def test_costs_are_means_over_seeds_and_answers_are_measured_in_the_store(record, home):
    sft, radis, base = tables_of(record, home)["analysis_costs"]
    assert sft["trained tokens"] == 1500
    assert sft["generated tokens"] == 0
    assert sft["total s"] == pytest.approx(27.5)
    assert radis["per translation"] > sft["per translation"]  # it goes on behind the translation
    assert base["method"] == "base"
    assert base["trained tokens"] is None


def test_what_fell_back_is_told_of_the_trials_that_have_any(record):
    rows = rows_of(fallbacks_table(record))
    assert {row["trial"].split(" · ")[1] for row in rows} == {"radis"}
    assert {row["empty_rate"] for row in rows} == {0.04}


def test_fallbacks_count_by_reason_and_in_the_parts_of_a_merge_but_not_in_text_stages(record):
    facts = {
        "data/fallback/empty": 0.1,
        "data/general/fallback_fraction": 0.2,
        "data/too_long": 3.0,
        "data/chain1/dropped_pairs": 400.0,
        "data/rationale_cut_rate": 0.0,
        "data/rationale_mean_tokens": 30.0,
    }
    trial = record.trials[0]
    run = replace(trial.results[0], facts=facts)
    (row,) = rows_of(fallbacks_table(replace(record, trials=(replace(trial, results=(run, run)),))))
    assert {key: value for key, value in row.items() if key != "trial"} == {
        "fallback/empty": 0.1,
        "general/fallback_fraction": 0.2,
        "too_long": 3.0,
    }


def test_without_a_fallback_there_is_no_table(record):
    plain = replace(record, trials=tuple(t for t in record.trials if "sft" in str(t.params)))
    assert fallbacks_table(plain) is None


def test_the_figures_show_every_method_and_panel(methods):
    drift = drift_figure(methods)
    labels = [one.label for one in methods]
    assert [trace.name for trace in drift.data if trace.name] == labels * 3
    assert len([trace for trace in drift.data if trace.fill == "toself"]) == 6
    assert [trace.name for trace in drift.data if trace.showlegend] == labels
    assert min(value for trace in drift.data[:4] for value in trace.y) > 0  # drawn on a log scale
    skills = skills_figure(methods, ["facts", "sums", "howto"])
    assert [list(trace.y) for trace in skills.data] == [["facts", "sums", "howto"]] * 2
    assert list(skills.data[0].z[0]) == [1.0, 0.5, 0.25]
    layers = layers_figure(methods)
    assert list(layers.data[0].y) == ["q_proj", "up_proj"]
    assert list(layers.data[0].z[0]) == pytest.approx([2.0, 3.01])
    lines = [trace for trace in gradients_figure(methods).data if trace.name]
    assert [trace.name for trace in lines] == [methods[1].label]


def test_methods_beyond_the_colours_are_told_apart_by_their_dashes(methods):
    many = [replace(methods[0], variant=f"m{n}", style=n) for n in range(16)]
    lines = [trace for trace in drift_figure(many).data if trace.name]
    looks = {trace.name: (trace.line.color, trace.line.dash) for trace in lines}
    assert len(set(looks.values())) == 16


def test_what_was_not_measured_is_said(record, home, tmp_path):
    found = analyse(record, tmp_path)
    assert "No drift is known of sft #" in found.note
    assert "No gradients were compared" in found.note
    assert not found.figures
    assert {table.name for table in found.tables} >= {"analysis_costs", "analysis_retention"}
    assert analyse(record, home).note == ""
    assert analyse(replace(record, trials=()), home).note == "No trial has finished yet."


def test_a_method_that_trained_nothing_itself_has_no_curves(record, home):
    trial = record.trials[1]
    runs = tuple(
        replace(run, stages={k: v for k, v in run.stages.items() if k != "adapter"})
        for run in trial.results
    )
    (one,) = method_curves(replace(record, trials=(replace(trial, results=runs),)), home)
    assert one == MethodCurves("sft", one.trial, 0, ())
    assert one.band("train/loss") == {}
    assert one.keys("train/") == []


def without_scripts(path):
    text = path.read_text(encoding="utf-8")
    return re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL)


def test_the_section_is_there_when_asked_for_and_changes_nothing_else(record, home, tmp_path):
    plain = write_report(record, tmp_path / "plain", home=home)
    full = write_report(record, tmp_path / "full", home=home, analysis=True)
    page, other = without_scripts(full.page), without_scripts(plain.page)
    for part in ('id="analysis"', "analysis-drift", "analysis-layers", "Which skills go first"):
        assert part in page
        assert part not in other
    start = page.index('<h2 id="analysis">')
    end = page.index('<h2 id="examples">')
    rest = (page[:start] + page[end:]).replace('<a href="#analysis">What is forgotten</a> ', "")
    assert re.sub(r"\s+", " ", rest) == re.sub(r"\s+", " ", other)
    extra = {"drift", "skills", "retention", "fallbacks", "costs"}
    assert set(full.tables) - set(plain.tables) == {f"analysis_{name}" for name in extra}
    assert "fallbacks" in plain.tables
    assert "## Which skills go first" in full.markdown.read_text(encoding="utf-8")
