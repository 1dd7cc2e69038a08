import pytest

from harness.training.spec import TrainSpec, learning_rate


def rates(**settings):
    spec = TrainSpec(learning_rate=1.0, **settings)
    return [learning_rate(step, 10, spec) for step in range(10)]


@pytest.mark.parametrize("schedule", ["cosine", "linear", "constant", "inverse_sqrt"])
def test_warm_up_rises_to_the_peak_and_nothing_exceeds_it(schedule):
    found = rates(schedule=schedule, warmup_fraction=0.4)
    assert found[:4] == pytest.approx([0.25, 0.5, 0.75, 1.0])
    assert max(found) == pytest.approx(1.0)
    assert all(found[i] >= found[i + 1] for i in range(4, 9))
    assert found[-1] > 0


def test_cosine_is_half_way_down_in_the_middle():
    assert rates(schedule="cosine", warmup_fraction=0)[5] == pytest.approx(0.5)


def test_inverse_sqrt_falls_with_the_root_of_the_step():
    found = rates(schedule="inverse_sqrt", warmup_fraction=0.1)
    assert found[3] == pytest.approx(0.5)
