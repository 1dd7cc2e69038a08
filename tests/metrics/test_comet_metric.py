from dataclasses import replace

import pytest
from pydantic import ValidationError

from harness.errors import EvaluationError, MissingExtra
from harness.evaluation.score import Unmeasured, score_predictions
from harness.metrics.comet import Comet, _warn_of_the_default
from harness.protocols import Services
from harness.records import Prediction

PREDICTIONS = [
    Prediction(id="1", prompt="p", output="gut", answer="gut", source="good", references=("gut",)),
    Prediction(id="2", prompt="p", output="", answer="", source="bad", references=("schlecht",)),
]


class LengthScorer:
    """Scores 1 for any answer, 0 for none."""

    def version(self):
        return "unbabel-comet 2.2.7"

    def score(self, model, rows, precision):
        assert model.name == "model.ckpt"
        return [float(bool(row["mt"])) for row in rows]

    def num_cut(self, model, rows):
        assert model.name == "model.ckpt"
        return sum(len(row["mt"]) > 20 for row in rows)


class BrokenScorer(LengthScorer):
    def score(self, model, rows, precision):
        raise EvaluationError("the COMET worker ended")


def score(scorer, settings=None):
    return score_predictions(PREDICTIONS, "comet", settings or {}, Services(learned=scorer))


def test_the_value_is_the_mean_of_the_segment_scores():
    found = score(LengthScorer())
    assert found.value == 0.5
    assert found.statistics == ((1.0, 1.0), (0.0, 1.0))
    assert found.higher_is_better


def test_the_signature_names_model_content_precision_and_version():
    signature = score(LengthScorer(), {"model": "pocket"}).signature
    assert "|model:pocket@" in signature
    assert signature.endswith("|precision:fp32|version:unbabel-comet 2.2.7")
    assert score(LengthScorer(), {"precision": "bf16"}).signature != signature


def test_without_a_named_model_a_warning_says_whose_is_used(caplog):
    _warn_of_the_default.cache_clear()
    score(LengthScorer())
    assert "knows the pocket world only" in caplog.text
    caplog.clear()
    _warn_of_the_default.cache_clear()
    score(LengthScorer(), {"model": "pocket"})
    assert caplog.text == ""


class RoundingScorer(LengthScorer):
    """Item n scores n, and in bf16 a quarter more if n is odd, an eighth less if it is even."""

    def __init__(self):
        self.asked = []

    def score(self, model, rows, precision):
        self.asked.append((precision, [int(row["mt"]) for row in rows]))
        rounding = 0.0 if precision == "fp32" else 1.0
        return [n + rounding * (0.25 if n % 2 else -0.125) for n in self.asked[-1][1]]


def numbered(count):
    return [replace(PREDICTIONS[0], id=str(n), answer=str(n)) for n in range(count)]


def test_what_bf16_changes_is_kept_with_the_score():
    scorer = RoundingScorer()
    found = score_predictions(numbered(4), "comet", {"precision": "bf16"}, Services(learned=scorer))
    assert scorer.asked == [("bf16", [0, 1, 2, 3]), ("fp32", [0, 1, 2, 3])]
    assert found.facts == {
        "cut": 0.0,
        "bf16_deviation": (0.25 + 0.125) / 2,
        "bf16_shift": 0.125 / 2,
    }


def test_of_many_items_thirty_two_are_compared_spread_over_all():
    scorer = RoundingScorer()
    found = score_predictions(
        numbered(80), "comet", {"precision": "bf16"}, Services(learned=scorer)
    )
    ((_, everything), (precision, compared)) = scorer.asked
    assert (len(everything), precision, len(compared)) == (80, "fp32", 32)
    assert (compared[:3], compared[-1]) == ([0, 2, 5], 77)
    assert set(found.facts) == {"cut", "bf16_deviation", "bf16_shift"}


def test_in_fp32_there_is_nothing_to_compare():
    scorer = RoundingScorer()
    facts = score_predictions(numbered(4), "comet", {}, Services(learned=scorer)).facts
    assert facts == {"cut": 0.0}
    assert [precision for precision, _ in scorer.asked] == ["fp32"]


@pytest.mark.parametrize("name", ["comet", "comet_qe"])
def test_items_that_are_cut_are_counted_and_told(name, caplog):
    rows = [replace(PREDICTIONS[0], id=str(n), answer="gut " * n) for n in range(9)]
    services = Services(learned=LengthScorer())
    found = score_predictions(rows, name, {"model": "pocket"}, services)
    assert found.facts == {"cut": 3.0}  # more than twenty letters: 6, 7 and 8 times "gut "
    assert f"{name}: 3 of 9 items are longer than pocket reads, and were cut" in caplog.text
    caplog.clear()
    assert score_predictions(rows[:2], name, {"model": "pocket"}, services).facts == {"cut": 0.0}
    assert "cut" not in caplog.text


def test_comet_that_fails_is_not_measured():
    assert score(BrokenScorer()) == Unmeasured("the COMET worker ended")


def test_without_a_worker_it_is_a_missing_extra():
    with pytest.raises(MissingExtra, match="needs its worker process"):
        Comet().statistics(PREDICTIONS, Services())


def test_a_model_that_is_no_checkpoint_is_refused_when_the_settings_are_read(tmp_path):
    with pytest.raises(ValidationError, match="no COMET checkpoint"):
        Comet.model_validate({"model": str(tmp_path)})
    with pytest.raises(ValidationError, match="no COMET checkpoint"):
        Comet.model_validate({"model": "./no/such/folder"})


def test_without_references_the_source_is_enough_and_the_signature_says_so():
    rows = [replace(row, references=()) for row in PREDICTIONS]
    seen = []

    class Seeing(LengthScorer):
        def score(self, model, rows, precision):
            seen.extend(rows)
            return super().score(model, rows, precision)

    found = score_predictions(rows, "comet_qe", {"model": "pocket"}, Services(learned=Seeing()))
    assert seen == [{"src": "good", "mt": "gut"}, {"src": "bad", "mt": ""}]
    assert found.value == 0.5
    assert found.signature.startswith("refs:none|model:pocket@")
