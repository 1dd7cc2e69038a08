import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import EXIT_USER, DataError
from harness.gate.baseline import (
    Baseline,
    Tolerance,
    read_baseline,
    update_baseline,
    write_baseline,
)
from harness.gate.decide import compare
from tests.synthetic import make_result

KEY = "pocket_general/facts_test/exact_match"


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "baseline.json"
    update_baseline(path, [make_result(seed=seed, splits=("test",)) for seed in (1, 2)])
    return path


def test_what_is_written_is_read_again(written):
    results = [make_result(seed=seed, splits=("test",)) for seed in (1, 2)]
    found = read_baseline(written).results
    assert [run.seed for run in found] == [1, 2]
    for run, result in zip(found, results, strict=True):
        assert set(run.scores) == set(result.scores)
        for key, score in result.scores.items():
            again = run.scores[key]
            assert (again.value, again.signature) == (score.value, score.signature)
            assert (again.ids, again.statistics) == (score.ids, score.statistics)


def test_which_items_belong_together_is_read_again(tmp_path):
    result = make_result(splits=("test",), num_items=6)
    scores = {
        key: replace(score, clusters=("a", "a", "b", "b", "c", "c"))
        for key, score in result.scores.items()
    }
    update_baseline(tmp_path / "b.json", [replace(result, scores=scores)])
    (run,) = read_baseline(tmp_path / "b.json").results
    assert {score.clusters for score in run.scores.values()} == {("a", "a", "b", "b", "c", "c")}


def test_what_tells_the_primary_metrics_and_the_summaries_is_read_again(written):
    results = [make_result(seed=seed, splits=("test",)) for seed in (1, 2)]
    for run, result in zip(read_baseline(written).results, results, strict=True):
        assert run.summaries == result.summaries
        assert run.summary_parts == result.summary_parts
        assert list(run.scores) == list(result.scores)
        assert run.config == result.config
        assert run.tags == result.tags


def test_a_baseline_of_form_1_is_read_and_knows_neither_summaries_nor_primary_metrics(written):
    data = json.loads(written.read_text(encoding="utf-8"))
    data["format"] = "harness-baseline-1"
    del data["tolerance"]["gates"]
    for run in data["runs"]:
        for field in ("summaries", "summary_parts", "purposes"):
            del run[field]
        run["scores"] = dict(sorted(run["scores"].items()))
    written.write_text(json.dumps(data), encoding="utf-8")
    baseline = read_baseline(written)
    assert not baseline.is_complete
    new = make_result(seed=1, splits=("test",))
    report = compare(baseline, [new])
    gating = {str(one.key) for one in report.gating}
    assert report.exit_code == 0
    assert gating == {str(key) for key in new.scores if new.is_primary(key)}
    assert "pocket_translation/en_de_test/chrf" not in gating


def test_a_baseline_is_small_and_has_a_line_per_score(written):
    lines = written.read_text(encoding="utf-8").splitlines()
    assert written.stat().st_size < 40_000
    assert sum(line.startswith(f'  "{KEY}":') for line in lines) == 2


def test_an_update_keeps_the_tolerances(written):
    data = json.loads(written.read_text(encoding="utf-8"))
    data["tolerance"] = {"level": 0.9, "default": 0.05, "keys": {"*/bleu": 2.5}, "gates": ["x"]}
    written.write_text(json.dumps(data), encoding="utf-8")
    update_baseline(written, [make_result(seed=7, splits=("test",))])
    found = read_baseline(written)
    assert found.tolerance == Tolerance(level=0.9, default=0.05, keys={"*/bleu": 2.5}, gates=("x",))
    assert [run.seed for run in found.results] == [7]


def test_the_first_pattern_that_matches_sets_the_tolerance():
    tolerance = Tolerance(default=0.02, keys={"a/*": 0.5, "*/bleu": 1.0})
    assert tolerance.of("a/b/bleu") == 0.5
    assert tolerance.of("c/b/bleu") == 1.0
    assert tolerance.of("c/b/exact_match") == 0.02


def test_a_word_without_a_slash_is_a_metric_or_an_axis():
    tolerance = Tolerance(default=0.02, keys={"bleu": 1.0, "general": 0.03})
    assert tolerance.of("a/b/bleu", "bleu") == 1.0
    assert tolerance.of("a/summary_test", "general") == 0.03
    assert tolerance.of("a/summary_test", None) == 0.02
    assert tolerance.of("general/b/chrf", "chrf") == 0.02


def test_tolerances_given_first_come_before_the_others():
    kept = Tolerance(level=0.9, default=0.05, keys={"*/bleu": 1.0, "bleu": 3.0}, gates=("a/*",))
    first = kept.with_first({"bleu": 0.5}, ())
    assert list(first.keys.items()) == [("bleu", 0.5), ("*/bleu", 1.0)]
    assert (first.level, first.default, first.gates) == (0.9, 0.05, ("a/*",))
    assert kept.with_first({}, ("b/*",)).gates == ("b/*",)


def test_results_of_two_configurations_make_no_baseline(tmp_path):
    results = [make_result(variant="sft"), make_result(variant="radis", seed=2)]
    with pytest.raises(DataError, match=r"scores: found 2 configurations .* allowed one"):
        update_baseline(tmp_path / "baseline.json", results)
    assert not list(tmp_path.iterdir())


def edit(*path, to):
    def change(data):
        for name in path[:-1]:
            data = data[name]
        data[path[-1]] = to

    return change


SCORE = ("runs", 0, "scores", KEY)


@pytest.mark.parametrize(
    ("change", "fragments"),
    [
        (edit("format", to="x"), ["format: found 'x'", "'harness-baseline-2' or 'harness-base"]),
        (edit("runs", 0, "summaries", "pocket_general/summary_test", to="NaN"), ["found 'NaN'"]),
        (edit("extra", to=1), ["extra: unknown option 'extra'"]),
        (edit("runs", to=[]), ["runs: found [], allowed"]),
        (edit("runs", to={}), ["runs: found {}, allowed"]),
        (edit("tolerance", "default", to=-1), ["tolerance.default: found -1, allowed"]),
        (edit("tolerance", "level", to=1.5), ["tolerance.level: found 1.5, allowed"]),
        (edit("tolerance", "keys", to={"*": "x"}), ["tolerance.keys.*: found 'x', allowed"]),
        (edit("tolerance", "tolerances", to=1), ["unknown option 'tolerances'", "known: default"]),
        (edit(*SCORE, "value", to="high"), [f"runs.0.scores.{KEY}.value: found 'high', allowed"]),
        (edit(*SCORE, "statistics", to=[]), [f"{KEY}.statistics: found []"]),
        (edit(*SCORE, "statistics", to=[[1, 0], 1]), ["statistics.0: found 2 numbers, allowed 60"]),
        (edit(*SCORE, "ids", to=["a"]), ["statistics.0: found 60 numbers, allowed 1"]),
        (edit("items", to={}), [f"{KEY}: no ids in it, and items.pocket_general/facts_test"]),
        (edit("items", "pocket_general/facts_test", 1, to="facts-tes-000"), ["is there twice"]),
        (
            edit("runs", 0, "summary_parts", "pocket_general/summary_test", 0, "best", to=0.0),
            ["runs.0.summary_parts.pocket_general/summary_test.0: found worst and best 0, allowed"],
        ),
        (edit("runs", 1, "seed", to=1), ["runs: seed 1 is there twice, allowed once"]),
        (edit("runs", 1, "config", to={"a": 1}), ["runs: found 2 configurations"]),
        (edit("runs", 0, "scores", to={"x": {}}), ["runs.0.scores.x"]),
    ],
)
def test_a_malformed_baseline_is_refused_with_the_place_and_what_is_allowed(
    written, change, fragments
):
    data = json.loads(written.read_text(encoding="utf-8"))
    change(data)
    written.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_baseline(written)
    assert refused.value.exit_code == EXIT_USER
    for fragment in [str(written), *fragments]:
        assert fragment in refused.value.message


@pytest.mark.parametrize("text", ["{", "[1]", '{"format": NaN}', "\x00", "null"])
def test_what_is_no_baseline_at_all_is_refused(tmp_path, text):
    path = tmp_path / "baseline.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=r"baseline\.json"):
        read_baseline(path)


def test_no_file_and_a_folder_are_refused_with_a_way_out(tmp_path):
    with pytest.raises(DataError, match="no such file") as refused:
        read_baseline(tmp_path / "none.json")
    assert "--update" in refused.value.hint
    with pytest.raises(DataError, match="is a folder"):
        read_baseline(tmp_path)


def test_all_faults_are_named_at_once(written):
    data = json.loads(written.read_text(encoding="utf-8"))
    for change in (edit("tolerance", "default", to=-1), edit(*SCORE, "value", to=None)):
        change(data)
    written.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_baseline(written)
    assert len(refused.value.message.splitlines()) == 2


def test_the_committed_baseline_is_written_again_to_the_byte(tmp_path):
    committed = Path(__file__).parents[2] / "benchmarks/baselines/smoke.json"
    write_baseline(tmp_path / "again.json", read_baseline(committed))
    assert (tmp_path / "again.json").read_bytes() == committed.read_bytes()


def test_settings_that_the_configuration_does_not_say_are_kept(tmp_path):
    (key, score), *_ = make_result(num_items=10, splits=("test",)).scores.items()
    config = {"eval": {"metrics": {score.metric: {"lowercase": True}}}}
    users, own = {"lowercase": True}, {"lowercase": True, "max_order": 2}
    for settings, written in ((users, 0), (own, 1)):
        made = replace(score, settings=settings)
        result = replace(make_result(), scores={key: made}, config=config)
        write_baseline(tmp_path / "baseline.json", Baseline(Tolerance(), (result,)))
        text = (tmp_path / "baseline.json").read_text(encoding="utf-8")
        assert text.count('"settings":') == written
        (again,) = read_baseline(tmp_path / "baseline.json").results
        assert again.scores[key].settings == settings


def test_an_update_takes_no_value_that_its_items_do_not_add_up_to(tmp_path):
    path = tmp_path / "baseline.json"
    result = make_result(splits=("test",))
    (key,) = (key for key in result.scores if str(key) == KEY)
    edited = replace(result.scores[key], value=0.123)
    with pytest.raises(DataError, match=rf"{KEY}.value: found 0.123, but its items add up to"):
        update_baseline(path, [replace(result, scores={**result.scores, key: edited})])
    assert not path.exists()
