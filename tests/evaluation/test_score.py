import json
import math
from dataclasses import replace

import pytest

from harness.benchmarks.spec import EvalSpec
from harness.errors import ConfigError, DataError
from harness.evaluation.check import check_metrics
from harness.evaluation.predict import predict_stored
from harness.evaluation.score import (
    Unmeasured,
    facts_of_scores,
    item_values,
    metric_named,
    score_predictions,
    score_stored,
)
from harness.gate.baseline import Baseline, Tolerance, read_baseline, update_baseline
from harness.gate.decide import compare
from harness.protocols import Services
from harness.records import Prediction, parse_key
from harness.statistics.estimates import Estimate, estimate
from harness.statistics.samples import Samples
from harness.storage.results import read_results, write_results
from harness.storage.store import Store
from tests.fakes import ScriptedGenerator
from tests.small_benchmarks import FACTS
from tests.synthetic import make_result


def row(name: str, answer: str, target: str = "Toral") -> Prediction:
    return Prediction(id=name, prompt="?", output=answer, answer=answer, target=target)


ROWS = [row("a", "Toral."), row("b", "Merak"), row("c", "")]


def score(metric="exact_match", rows=ROWS, settings=None, benchmark=None):
    return score_predictions(rows, metric, settings or {}, Services(), benchmark)


def test_a_score_has_value_direction_signature_ids_statistics_and_classes():
    found = score()
    assert found.value == pytest.approx(1 / 3)
    assert found.higher_is_better
    assert found.signature == ("exact_match|ignore_case:yes|ignore_final_punctuation:yes|version:2")
    assert found.ids == ("a", "b", "c")
    assert found.statistics == ((1.0, 1.0), (0.0, 1.0), (0.0, 1.0))
    assert found.classes == ("right", "wrong", "wrong")
    assert item_values(metric_named("exact_match"), found) == [1.0, 0.0, 0.0]


def test_nothing_to_measure_is_unmeasured_with_a_reason():
    found = score(rows=[])
    assert isinstance(found, Unmeasured)
    assert "nothing to measure" in found.reason


def test_a_metric_that_this_machine_cannot_give_is_unmeasured(monkeypatch):
    japanese = [Prediction(id="1", prompt="", output="犬", answer="犬", target="犬", language="ja")]
    import sacrebleu.metrics.bleu as bleu

    def without_mecab(name):
        raise RuntimeError("Japanese tokenization requires extra dependencies")

    monkeypatch.setattr(bleu, "_get_tokenizer", without_mecab)
    found = score("bleu", japanese)
    assert isinstance(found, Unmeasured)
    assert "pip install 'sacrebleu[ja]'" in found.reason


def test_an_unknown_metric_or_setting_is_a_configuration_error():
    with pytest.raises(ConfigError, match="did you mean 'bleu'"):
        score("blue")
    with pytest.raises(ConfigError, match="metric exact_match: ignore_cases: unknown option"):
        score(settings={"ignore_cases": True})


def test_predictions_without_what_the_metric_needs_are_a_data_error():
    bare = [Prediction(id="1", prompt="", output="x", answer="x")]
    with pytest.raises(DataError, match="bleu needs references or target"):
        score("bleu", bare)


def test_the_signature_names_the_benchmark_and_its_data(benchmarks):
    benchmarks.write(block={"extract": "first_paragraph"})
    (benchmark,) = benchmarks.find(limit=2)
    data, asked = benchmark.data_sha256[:8], benchmark.task.asked()[:8]
    assert score(benchmark=benchmark).signature.endswith(
        f"|version:2|benchmark:1.0|data:{data}|extract:first_paragraph|asked:{asked}|limit:2"
    )


def stored(benchmarks, store, metric="exact_match", settings=None):
    (benchmark,) = benchmarks.find()
    generator = ScriptedGenerator(lambda prompt: "Toral is a large city.")
    built = predict_stored([benchmark], {"model": "m"}, store, lambda: generator)
    return score_stored(built[benchmark.key], benchmark, metric, settings or {}, Services(), store)


def test_a_stored_score_is_the_score_and_made_once(benchmarks, tmp_path):
    benchmarks.write()
    store = Store(tmp_path / "store")
    first = stored(benchmarks, store, settings={})
    assert first.value == 0.0
    assert stored(benchmarks, store) == first
    assert len(list((tmp_path / "store/scores").iterdir())) == 2  # the folder and its lock
    other = stored(benchmarks, store, settings={"ignore_case": False})
    assert other.signature != first.signature
    assert len([path for path in (tmp_path / "store/scores").glob("[!.]*") if path.is_dir()]) == 2


class Rounded:
    """A learned scorer whose bf16 is a quarter off; counts how often it is asked."""

    calls = 0

    def version(self):
        return "rounded 1"

    def score(self, model, rows, precision):
        self.calls += 1
        return [0.75 if precision == "bf16" else 0.5] * len(rows)

    def num_cut(self, model, rows):
        return len(rows)


def test_a_stored_score_says_which_items_belong_together_and_is_made_once_all_the_same(
    benchmarks, tmp_path
):
    store = Store(tmp_path / "store")
    rows = [fact | {"town": fact["target"][0]} for fact in FACTS]
    benchmarks.write(rows=rows)
    assert stored(benchmarks, store).clusters == ()
    benchmarks.write(rows=rows, block={"cluster": "town"})
    score = stored(benchmarks, store)
    assert dict(zip(score.ids, score.clusters, strict=True)) == {
        "facts-1": "T",
        "facts-2": "M",
        "facts-3": "5",
    }
    assert len(list((tmp_path / "store/scores").glob("[!.]*"))) == 1


def test_a_cluster_that_is_no_field_of_the_rows_is_found_before_anything_runs(benchmarks):
    benchmarks.write(block={"cluster": "town"})
    with pytest.raises(DataError, match="'town' is no field of item 'facts-1' and 2 more"):
        check_metrics(benchmarks.find(), EvalSpec(suites=("general",)))


def test_a_reused_score_has_what_was_measured_about_it(benchmarks, tmp_path):
    rows = [{"id": "1", "prompt": "Hello?", "source": "Hello?", "references": ["Hallo?"]}]
    metrics = {"metrics": ["comet"], "summary": None, "language": "de"}
    benchmarks.write(rows=rows, block=metrics, doc_to_target="{{references[0]}}")
    (benchmark,) = benchmarks.find()
    store, learned = Store(tmp_path / "store"), Rounded()
    generator = ScriptedGenerator(lambda prompt: "Hallo!")
    built = predict_stored([benchmark], {"model": "m"}, store, lambda: generator)[benchmark.key]
    settings = {"model": "pocket", "precision": "bf16"}
    first, again = (
        score_stored(built, benchmark, "comet", settings, Services(learned), store)
        for _ in range(2)
    )
    assert learned.calls == 2  # the score, and the comparison
    assert again == first
    assert facts_of_scores({benchmark.score_key("comet"): again}) == {
        "comet/cut/general/facts_validation": 1.0,
        "comet/bf16_deviation/general/facts_validation": 0.25,
        "comet/bf16_shift/general/facts_validation": 0.25,
    }


def test_what_could_not_be_measured_is_not_kept(benchmarks, tmp_path):
    benchmarks.write(block={"language": "km", "metrics": ["off_target"], "summary": None})
    store = Store(tmp_path / "store")
    found = stored(benchmarks, store, "off_target", {"languages": ["en"]})
    assert isinstance(found, Unmeasured)
    assert "does not know km" in found.reason
    assert [entry.stage for entry in store.entries()] == ["predictions"]


def test_items_that_lack_what_a_metric_needs_are_found_before_anything_runs(benchmarks):
    benchmarks.write(block={"metrics": ["constraints", "bleu", "choice_accuracy"], "summary": None})
    found = benchmarks.find()
    with pytest.raises(DataError) as caught:
        check_metrics(found, EvalSpec(suites=("general",)))
    text = str(caught.value)
    assert "constraints needs constraints: missing in 3 of 3 items" in text
    assert "choice_accuracy needs choices" in text
    assert "bleu needs" not in text


def test_malformed_constraints_are_found_before_anything_runs(benchmarks):
    rows = [{"id": "1", "prompt": "p", "target": "t", "constraints": [{"kind": "capitols"}]}]
    benchmarks.write(rows=rows, block={"metrics": ["constraints"], "summary": None})
    with pytest.raises(DataError, match="did you mean 'capitals'"):
        check_metrics(benchmarks.find(), EvalSpec(suites=("general",)))


def test_sound_benchmarks_pass_the_check(benchmarks):
    row = {"id": "1", "prompt": "p", "choices": ["a", "b"], "right": 1}
    benchmarks.write(
        rows=[row],
        output_type="multiple_choice",
        doc_to_choice="choices",
        doc_to_target="right",
        drop=("generation_kwargs",),
        block={"metrics": ["choice_accuracy"], "summary": None},
    )
    benchmarks.write("general/facts_test", block={"metrics": ["exact_match", "truncated"]})
    check_metrics(benchmarks.find(), EvalSpec(suites=("general",)))


@pytest.fixture
def of_its_own_settings(benchmarks, tmp_path):
    """A result whose benchmark brings a setting of its metric along, and its file."""
    targets = "Der alte Hund schläft", "Die Katze frisst", "Das Kind liest ein Buch", "Es regnet"
    rows = [{"id": str(n), "prompt": "?", "target": text} for n, text in enumerate(targets * 3)]
    of_chrf = {"metrics": ["chrf"], "settings": {"chrf": {"char_order": 4}}, "summary": None}
    benchmarks.write(rows=rows, block=of_chrf)
    (benchmark,) = benchmarks.find()
    answers = iter(text[: 4 + 2 * n] for n, text in enumerate(targets * 3))
    generator = ScriptedGenerator(lambda prompt: next(answers))
    store = Store(tmp_path / "store")
    built = predict_stored([benchmark], {"model": "m"}, store, lambda: generator)[benchmark.key]
    score = score_stored(built, benchmark, "chrf", {}, Services(), store)
    result = replace(make_result(num_items=1), config={"a": 1}, scores={OF_CHRF: score})
    write_results(tmp_path / "results.json", [result])
    return result, tmp_path / "results.json"


OF_CHRF = parse_key("general/facts_validation/chrf")


def test_the_interval_of_a_score_with_the_benchmarks_settings_contains_its_value(
    of_its_own_settings,
):
    _, file = of_its_own_settings
    (result,) = read_results(file)
    assert result.scores[OF_CHRF].settings == {"char_order": 4}
    of_chrf = estimate(Samples(), (result,), OF_CHRF)
    assert of_chrf.low < of_chrf.value < of_chrf.high


def test_the_gate_passes_scores_with_the_benchmarks_settings_on_their_own_baseline(
    of_its_own_settings, tmp_path
):
    _, file = of_its_own_settings
    update_baseline(tmp_path / "baseline.json", read_results(file))
    report = compare(read_baseline(tmp_path / "baseline.json"), read_results(file))
    assert [verdict.reason for verdict in report.verdicts] == ["unchanged"]


def without_settings(file):
    data = json.loads(file.read_text(encoding="utf-8"))
    del data["results"][0]["scores"][str(OF_CHRF)]["settings"]
    file.write_text(json.dumps(data), encoding="utf-8")
    return read_results(file)


def test_a_result_of_a_version_without_settings_has_the_value_and_no_interval(of_its_own_settings):
    result, file = of_its_own_settings
    of_chrf = estimate(Samples(), tuple(without_settings(file)), OF_CHRF)
    assert of_chrf == Estimate(result.scores[OF_CHRF].value)


def test_the_gate_names_what_it_cannot_verify_in_such_a_result(of_its_own_settings):
    result, file = of_its_own_settings
    old = without_settings(file)
    with pytest.raises(DataError, match=f"0.scores.{OF_CHRF}.value: found") as refused:
        compare(Baseline(Tolerance(), (result,)), old)
    assert "earlier version" in refused.value.hint


def test_a_result_of_such_a_version_has_the_users_settings(of_its_own_settings):
    result, file = of_its_own_settings
    users = {"eval": {"metrics": {"chrf": {"char_order": 4}}}}
    write_results(file, [replace(result, config=users)])
    (old,) = without_settings(file)
    assert old.scores == result.scores


def test_a_stored_score_of_such_a_version_has_the_settings_it_is_asked_with(benchmarks, tmp_path):
    benchmarks.write(block={"settings": {"exact_match": {"ignore_case": False}}})
    store = Store(tmp_path / "store")
    first = stored(benchmarks, store)
    (file,) = (tmp_path / "store/scores").glob("*/score.json")
    plain = json.loads(file.read_text(encoding="utf-8"))
    assert plain.pop("settings") == {"ignore_case": False}
    file.write_text(json.dumps(plain), encoding="utf-8")
    assert stored(benchmarks, store) == first


def test_a_score_file_is_plain_json(benchmarks, tmp_path):
    benchmarks.write()
    store = Store(tmp_path / "store")
    stored(benchmarks, store)
    (file,) = (tmp_path / "store/scores").glob("*/score.json")
    assert json.loads(file.read_text())["metric"] == "exact_match"


NOT_FINITE = [math.nan, math.inf, -math.inf]


class Learned:
    """A learned scorer that gives each row the next of some numbers."""

    def __init__(self, *numbers):
        self.numbers = numbers

    def version(self):
        return "learned 1"

    def score(self, model, rows, precision):
        return list(self.numbers)

    def num_cut(self, model, rows):
        return 0


TRANSLATED = [
    replace(row(str(n), "Hallo", "Hallo"), source="Hello", references=("Hallo",)) for n in range(3)
]


@pytest.mark.parametrize("number", NOT_FINITE)
def test_a_metric_that_gives_an_item_no_finite_number_is_not_measured(number):
    services = Services(learned=Learned(0.5, number, 0.7))
    found = score_predictions(TRANSLATED, "comet", {"precision": "bf16"}, services)
    assert found == Unmeasured("comet gives no finite number: item '1'")


@pytest.mark.parametrize("number", NOT_FINITE)
def test_what_lm_eval_gives_that_is_no_finite_number_is_not_measured(number):
    rows = [replace(row, extra={"lm_eval": {"acc,none": number}}) for row in TRANSLATED]
    found = score_predictions(rows, "lm_eval", {}, Services())
    assert found == Unmeasured("lm_eval gives no finite number: item '0' and 2 more")


def test_a_sum_that_overflows_is_not_measured():
    rows = [replace(row, extra={"lm_eval": {"acc,none": 1e308}}) for row in TRANSLATED]
    found = score_predictions(rows, "lm_eval", {}, Services())
    assert found == Unmeasured("lm_eval gives no finite number over all items: inf")


@pytest.mark.parametrize(
    "choices", [(math.nan, -1.0), (-1.0, math.nan), (math.inf, -1.0), (-math.inf, -math.inf)]
)
def test_choices_without_likelihoods_are_not_guessed_between(choices):
    rows = [replace(one, choices=choices, extra={"target_index": 0}) for one in TRANSLATED[:2]]
    found = score_predictions(rows, "choice_accuracy", {}, Services())
    assert found == Unmeasured("choices without a finite likelihood: item '0' and 1 more")
    impossible = [replace(one, choices=(-math.inf, -1.0)) for one in rows]
    assert score_predictions(impossible, "choice_accuracy", {}, Services()).value == 0.0


def test_a_stored_score_of_an_earlier_version_that_is_no_number_is_not_measured(
    benchmarks, tmp_path
):
    benchmarks.write()
    store = Store(tmp_path / "store")
    stored(benchmarks, store)
    (file,) = (tmp_path / "store/scores").glob("*/score.json")
    file.write_text(file.read_text().replace('"value": 0.0', '"value": NaN'))
    assert "no finite number" in stored(benchmarks, store).reason
