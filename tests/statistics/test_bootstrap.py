import random
import time

import numpy as np
import pytest
from sacrebleu.metrics import BLEU
from sacrebleu.significance import PairedTest

from harness.records import Score
from harness.statistics import bootstrap
from harness.statistics.bootstrap import Draws


def mean(totals):
    return totals[0] / totals[1] if totals[1] else None


def make_score(values, *, signature="mean", ids=None):
    ids = tuple(ids or (f"item-{n:04}" for n in range(len(values))))
    statistics = tuple((float(value), 1.0) for value in values)
    return Score("mean", sum(values) / len(values), True, signature, ids, statistics)


def difference(first, second, seeds=None, draws=None):
    seeds = seeds or (range(len(first)), range(len(second)))
    return bootstrap.paired_difference(
        first, second, seeds=seeds, draws=draws or Draws(), aggregate=mean
    )


def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        score = make_score(rng.normal(0.3, 1.0, size=60).tolist())
        draws = Draws(400, seed=trial)
        found = bootstrap.interval(bootstrap.resampled(score, draws, mean))
        covered += found.low <= 0.3 <= found.high
    assert 0.90 <= covered / 300 <= 0.98


def test_an_interval_over_seeds_and_items_covers_the_truth_when_both_vary():
    rng = np.random.default_rng(2)
    covered, seeds = 0, range(10)
    for trial in range(200):
        easy = rng.normal(0, 0.5, size=50)
        scores = [
            make_score((0.3 + rng.normal(0, 0.2) + easy + rng.normal(0, 0.5, 50)).tolist())
            for _ in seeds
        ]
        draws = Draws(300, seed=trial)
        values = np.stack([bootstrap.resampled(s, draws, mean) for s in scores], axis=1)
        found = bootstrap.interval(bootstrap.over_seeds(values, seeds, draws))
        covered += found.low <= 0.3 <= found.high
    assert 0.88 <= covered / 200 <= 0.995


def test_no_difference_is_called_real_about_as_often_as_the_level_says():
    rng = np.random.default_rng(3)
    p_values = []
    for trial in range(300):
        easy = rng.normal(size=80)
        first, second = (make_score((easy + rng.normal(size=80)).tolist()) for _ in range(2))
        p_values.append(difference([first], [second], draws=Draws(400, seed=trial)).p_value)
    assert 0.02 <= np.mean(np.array(p_values) < 0.05) <= 0.10


def test_the_variance_from_two_seeds_is_not_halved():
    # Items all alike: only the seeds vary. The unbiased variance of the mean of 0 and 1 is 1/4.
    scores = [make_score([0.0] * 10), make_score([1.0] * 10)]
    draws = Draws(4000)
    values = np.stack([bootstrap.resampled(s, draws, mean) for s in scores], axis=1)
    assert bootstrap.over_seeds(values, [1, 2], draws).var() == pytest.approx(0.25, rel=0.05)


def test_identical_scores_differ_by_an_interval_of_no_width_at_zero():
    score = make_score([0.0, 1.0, 1.0, 0.5, 1.0])
    found = difference([score], [score])
    assert (found.value, found.interval.low, found.interval.high, found.p_value) == (0, 0, 0, 1)


def test_a_clear_difference_excludes_zero_and_a_paired_one_is_sharper():
    rng = random.Random(4)
    easy = [rng.random() for _ in range(100)]
    first = make_score([value + 0.05 + 0.02 * rng.random() for value in easy])
    second = make_score(easy)
    found = difference([first], [second])
    alone = bootstrap.interval(bootstrap.resampled(first, Draws(), mean))
    assert found.interval.low > 0
    assert found.p_value < 0.01
    assert found.interval.high - found.interval.low < 0.2 * (alone.high - alone.low)


def test_the_order_of_items_does_not_matter():
    values = [0.1, 0.9, 0.4, 0.7]
    score = make_score(values)
    turned = make_score(values[::-1], ids=score.ids[::-1])
    same = bootstrap.resampled(score, Draws(50), mean)
    assert np.allclose(bootstrap.resampled(turned, Draws(50), mean), same)


def test_seeds_are_paired_by_number_whatever_their_order():
    scores = {seed: make_score([seed / 10, seed / 5]) for seed in (1, 2, 3)}
    found = difference(
        [scores[s] for s in (1, 2, 3)], [scores[s] for s in (3, 1, 2)], ((1, 2, 3), (3, 1, 2))
    )
    assert found.seeds_paired
    assert found.interval.low == found.interval.high == 0


def test_adding_a_benchmark_does_not_change_the_draws_of_another():
    first, second = Draws(20, seed=5), Draws(20, seed=5)
    second.items(("x", "y"))
    assert (first.items(("a", "b", "c")) == second.items(("a", "b", "c"))).all()


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (make_score([1.0, 0.0], signature="other"), "different signatures: mean / other"),
        (make_score([1.0, 0.0, 1.0]), "not the same items: 1 of them"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_the_reason(other, reason):
    with pytest.raises(ValueError, match=reason):
        difference([make_score([1.0, 0.0])], [other])


def test_a_metric_without_a_value_in_most_resamples_has_no_interval():
    score = Score("rate", 1.0, True, "s", ("a", "b", "c"), ((1.0, 1.0), (0.0, 0.0), (0.0, 0.0)))
    values = bootstrap.resampled(score, Draws(200), mean)
    assert np.isnan(values).any()
    assert bootstrap.interval(values) is not None
    assert bootstrap.interval(np.full(10, np.nan)) is None


def sentences(seed, wrong):
    rng = random.Random(seed)
    words = ["the", "cat", "dog", "sees", "likes", "old", "red", "house", "river", "over"]
    references = [[rng.choice(words) for _ in range(8)] for _ in range(60)]
    outputs = [
        [rng.choice(words) if rng.random() < wrong else word for word in row] for row in references
    ]
    return [" ".join(row) for row in outputs], [" ".join(row) for row in references]


def test_resampled_bleu_gives_the_p_value_of_sacrebleus_paired_bootstrap(monkeypatch):
    # Second implementation: sacreBLEU 2.6 PairedTest("bs"), its own draws and its own formula.
    monkeypatch.setenv("SACREBLEU_SEED", "12345")
    references = sentences(0, 0)[1]
    systems = []
    for name, seed, wrong in (("one", 1, 0.30), ("two", 2, 0.26)):
        rng = random.Random(seed)
        texts = [
            " ".join("x" if rng.random() < wrong else word for word in line.split())
            for line in references
        ]
        systems.append((name, texts))
    bleu = BLEU()
    test = PairedTest(systems, {"BLEU": bleu}, [references], test_type="bs", n_samples=500)
    expected = test()[1]["BLEU"][1].p_value

    indices = np.random.default_rng(12345).choice(60, size=(500, 60), replace=True)
    counts = np.stack([np.bincount(row, minlength=60) for row in indices])
    values = [
        bootstrap.values_of_resamples(
            np.array(bleu._extract_corpus_statistics(texts, [references]), dtype=float),
            counts,
            lambda totals: bleu._compute_score_from_stats([int(t) for t in totals]).score,
        )
        for _, texts in systems
    ]
    full = [bleu.corpus_score(texts, [references]).score for _, texts in systems]
    sizes = np.abs(values[1] - values[0])
    observed = abs(full[1] - full[0])
    found = (np.sum(sizes - sizes.mean() > observed) + 1) / 501
    assert 0.01 < expected < 0.5
    assert found == pytest.approx(expected, abs=1e-12)


def test_a_thousand_resamples_of_forty_scores_take_seconds():
    outputs, references = sentences(1, 0.3)
    bleu = BLEU()
    rows = bleu._extract_corpus_statistics(outputs * 5, [references * 5])
    statistics = tuple(tuple(float(value) for value in row) for row in rows)
    score = Score("bleu", 0.0, True, "s", tuple(map(str, range(300))), statistics)
    draws = Draws(1000)
    start = time.process_time()
    for _ in range(40):
        bootstrap.resampled(score, draws, lambda t: bleu._compute_score_from_stats(t).score)
    assert time.process_time() - start < 10


def test_the_items_that_decide_do_decide():
    rng = np.random.default_rng(6)
    easy = rng.normal(size=4000)
    first, second = easy + rng.normal(0.1, 1, 4000), easy + rng.normal(0, 1, 4000)
    few = difference([make_score(first[:100].tolist())], [make_score(second[:100].tolist())])
    wanted = bootstrap.items_to_decide(few, 0.1)
    assert 500 < wanted < 1100  # 2 * (1.96 / .1) ** 2 = 768 with the true variance
    many = difference([make_score(first[:wanted].tolist())], [make_score(second[:wanted].tolist())])
    assert (many.interval.high - many.interval.low) / 2 == pytest.approx(0.1, rel=0.2)


def test_no_number_of_items_decides_when_the_seeds_alone_leave_it_open():
    scores = [make_score([value] * 30) for value in (0.0, 1.0, 0.2)]
    found = difference(scores, [make_score([0.5] * 30)], (range(3), [0]))
    assert bootstrap.items_to_decide(found, 0.01) is None
