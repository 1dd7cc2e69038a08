"""Learning rate by step: linear warm-up, then the fall the schedule names."""

import math

from harness.training.spec import TrainSpec


def learning_rate(step: int, num_steps: int, spec: TrainSpec) -> float:
    """The rate of step ``step`` (0-based) of ``num_steps``.

    Warm-up rises to the peak over ``warmup_fraction`` of the steps. ``cosine`` and ``linear`` fall
    to 0 behind the last step; ``inverse_sqrt`` falls with the root of the step (Vaswani et al.
    2017, section 5.3, as used by ALMA).

    >>> spec = TrainSpec(learning_rate=1.0, steps=4, schedule="linear", warmup_fraction=0)
    >>> [learning_rate(step, 4, spec) for step in range(4)]
    [1.0, 0.75, 0.5, 0.25]
    """
    warmup = math.ceil(spec.warmup_fraction * num_steps)
    if step < warmup:
        return spec.learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(num_steps - warmup, 1)
    match spec.schedule:
        case "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * progress))
        case "linear":
            factor = 1 - progress
        case "inverse_sqrt":
            factor = math.sqrt(max(warmup, 1) / (step + 1))
        case "constant":
            factor = 1.0
    return spec.learning_rate * factor
