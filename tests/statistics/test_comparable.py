"""Which values of two systems may be compared at all, and what is said of those that may not."""

from dataclasses import replace

import pytest

from harness.records import Score, SummaryPart, parse_key
from harness.statistics.samples import NOT_VERIFIED, Samples, incomparable
from harness.statistics.totals import adds_up
from tests.synthetic import make_result

GENERAL = parse_key("pocket_general/summary")
FACTS = parse_key("pocket_general/facts_validation/exact_match")
SUMS = parse_key("pocket_general/arithmetic_validation/exact_match")
SEEDS = (1, 2)


def runs(variant="sft", seeds=SEEDS):
    return [
        make_result(variant=variant, seed=seed, num_items=12, splits=("validation",))
        for seed in seeds
    ]


@pytest.fixture(scope="module")
def first():
    return runs()


@pytest.fixture(scope="module")
def second():
    return runs("radis")


def reason(mine, theirs, key=GENERAL):
    samples = Samples()
    return incomparable(samples.of_runs(mine, key), samples.of_runs(theirs, key))


def rescaled(run, change):
    """The run with other parts of its summary of general ability."""
    parts = {**run.summary_parts, GENERAL: tuple(change(run.summary_parts[GENERAL]))}
    return replace(run, summary_parts=parts)


def resigned(run, key, signature):
    return replace(run, scores={**run.scores, key: replace(run.scores[key], signature=signature)})


def asked_otherwise(run, change):
    """The run with another signature of one of its scores."""
    return resigned(run, FACTS, change(run.scores[FACTS].signature))


def test_the_same_parts_on_the_same_scales_compare_in_any_order(first, second):
    assert reason(first, second) is None
    backwards = [rescaled(run, reversed) for run in second]
    assert reason(first, backwards) is None


@pytest.mark.parametrize("change", [{"best": 2.0}, {"worst": 0.5}, {"chance": 0.25}])
def test_another_scale_is_named_with_its_part(first, second, change):
    other = [rescaled(run, lambda parts: [replace(parts[0], **change), parts[1]]) for run in second]
    found = reason(first, other)
    assert found.startswith("summaries of other parts or scales: ")
    assert str(FACTS) in found
    assert str(SUMS) not in found


def test_another_part_is_named(first, second):
    fewer = [rescaled(run, lambda parts: parts[:1]) for run in second]
    found = reason(first, fewer)
    assert found == f"summaries of other parts or scales: {SUMS} 0..1 / no more"
    chrf = parse_key("pocket_translation/en_de_validation/chrf")
    more = [rescaled(run, lambda parts: [*parts, SummaryPart(chrf, 0, 100)]) for run in second]
    assert f"{chrf} 0..100" in reason(first, more)


def test_a_summary_that_does_not_say_its_parts_is_not_compared(first, second):
    unsaid = [replace(run, summary_parts={}) for run in second]
    assert reason(first, unsaid).endswith(" / none is said")


def test_one_run_on_another_scale_is_enough(first, second):
    mixed = [second[0], rescaled(second[1], lambda parts: [replace(parts[0], best=2), parts[1]])]
    assert "0..2" in reason(first, mixed)
    assert "0..2" in reason(mixed, first)
    assert Samples().of_runs(mixed, GENERAL).sample is None


def test_a_part_that_a_run_has_not_is_named(first, second):
    scores = {key: score for key, score in second[1].scores.items() if key != SUMS}
    lacking = [second[0], replace(second[1], scores=scores)]
    assert reason(first, lacking) == f"{SUMS} is not there in every run"


def test_a_score_that_does_not_say_how_it_was_asked_is_not_verified(first, second):
    said = [asked_otherwise(run, lambda signature: f"{signature}|asked:0a1b2c3d") for run in second]
    assert reason(first, said, FACTS) == NOT_VERIFIED
    assert NOT_VERIFIED.endswith("; score it again")
    assert reason(first, said) == f"{FACTS}: {NOT_VERIFIED}"
    limited = [asked_otherwise(run, lambda one: f"{one}|asked:0a1b2c3d|limit:5") for run in second]
    assert reason(first, limited, FACTS).startswith("different signatures: ")
    assert reason(said, said, FACTS) is None


def test_scores_asked_in_two_ways_have_different_signatures(first, second):
    one = [asked_otherwise(run, lambda signature: f"{signature}|asked:0a1b2c3d") for run in first]
    two = [asked_otherwise(run, lambda signature: f"{signature}|asked:ffffffff") for run in second]
    assert reason(one, two, FACTS).startswith("different signatures: ")
    assert reason([one[0], two[1]], [one[0], two[1]], FACTS).startswith("different signatures: ")


def test_signatures_are_compared_part_by_part(first, second):
    def signed(group, facts, sums):
        return [resigned(resigned(run, FACTS, facts), SUMS, sums) for run in group]

    found = reason(signed(first, "a", "b"), signed(second, "b", "a"))
    assert found == f"{SUMS}: different signatures: a / b"


def test_items_are_compared_part_by_part_and_run_by_run(first, second):
    def renamed(run):
        score = run.scores[FACTS]
        other = replace(score, ids=("another", *score.ids[1:]))
        return replace(run, scores={**run.scores, FACTS: other})

    other = [second[0], renamed(second[1])]
    assert reason(first, other).startswith(f"{FACTS}: not the same items: 2 are in one alone")
    assert Samples().of_runs(other, FACTS).sample is None


def test_a_score_that_has_turned_its_direction_is_not_compared(first, second):
    turned = replace(second[1].scores[FACTS], higher_is_better=False)
    second = [second[0], replace(second[1], scores={**second[1].scores, FACTS: turned})]
    said = "other directions: higher is better in one run, and not in another"
    assert reason(first, second, FACTS) == said
    assert reason(first, second) == f"{FACTS}: {said}"
    assert reason(second, second, FACTS) == said


@pytest.mark.parametrize("value", [0.25, float("nan"), float("inf")])
def test_a_summary_that_is_not_what_its_parts_give_is_not_compared(first, second, value):
    edited = replace(second[1], summaries={**second[1].summaries, GENERAL: value})
    assert reason(first, [second[0], edited]).startswith(f"found {value}, ")
    assert reason([edited, second[0]], first).startswith(f"found {value}, ")


def test_a_score_adds_up_where_the_checkpoint_that_made_it_is_no_more(tmp_path):
    gone = str(tmp_path / "no such checkpoint")
    score = Score(
        "comet", 0.75, True, "s", ("a", "b"), ((0.5, 1.0), (1.0, 1.0)), settings={"model": gone}
    )
    assert adds_up(score)
    assert not adds_up(replace(score, value=0.5))
