"""The loss: role-weighted, with exact token counts over the whole optimiser step.

With ``n_r`` tokens and a sum ``S_r`` of their negative log-likelihoods per role r, over *all*
micro-batches of the step::

    tokens:  loss = sum_r w_r S_r / sum_r w_r n_r
    roles:   loss = sum_r w_r (S_r / n_r)

Both are ``sum_r c_r S_r`` with coefficients c_r that are known before the first forward pass, so
every micro-batch is differentiated with the final denominators and micro-batching changes nothing
but rounding. (The mean of micro-batch means, which is common, was measured to change the gradient
by a quarter.) Under ``tokens``, weight 1 on all roles is plain cross-entropy over all target
tokens, and weight 0 on a role is training without it.

The role ``unwanted`` is not learnt but unlearnt: S is the sum of its unlikelihood losses
-log(1 - p) (Welleck et al. 2020, 1908.04319, equation 4), and since that is a penalty beside the
loss and no part of the mix, it counts as w S / n under either normalisation and in no denominator.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import ConfigError
from harness.protocols import Penalty, TokenPenalty
from harness.records import Role


@dataclass(frozen=True, eq=False)
class LossTerms:
    """What a training minimises.

    Attributes:
        weights: Loss weight per role.
        penalty: Added to the loss once per optimiser step, or to the loss of every token.
        late: Per role in how many last steps what goes along with the task in it does so; roles
            that are not named go along from the first.

    Raises:
        ConfigError: Every weight is 0.
    """

    weights: Mapping[Role, float]
    penalty: Penalty | TokenPenalty | None = None
    late: Mapping[Role, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not any(weight > 0 for weight in self.weights.values()):
            given = ", ".join(f"{role}: {weight:g}" for role, weight in self.weights.items())
            raise ConfigError(
                f"variant: all loss weights are 0 ({given}); at least one must not be"
            )


def coefficients(
    counts: Mapping[Role, int],
    weights: Mapping[Role, float],
    normalise: Literal["tokens", "roles"],
) -> dict[Role, float]:
    """c_r per role, such that the step's loss is the sum of c_r S_r.

    A role without tokens has none. All are 0 where no weighted role has a token.

    >>> coefficients({Role.TRANSLATION: 4, Role.RATIONALE: 8}, {Role.TRANSLATION: 1.0,
    ...     Role.RATIONALE: 0.5}, "tokens")
    {<Role.TRANSLATION: 'translation'>: 0.125, <Role.RATIONALE: 'rationale'>: 0.0625}
    """
    present = {role: count for role, count in counts.items() if count}
    means = {role: weights.get(role, 0.0) / count for role, count in present.items()}
    if normalise == "roles":
        return means
    learnt = [role for role in present if role is not Role.UNWANTED]
    total = sum(weights.get(role, 0.0) * present[role] for role in learnt)
    mixed = {role: weights.get(role, 0.0) / total if total else 0.0 for role in learnt}
    return means | mixed


def weighted_loss(sums: Mapping[Role, float], factors: Mapping[Role, float]) -> float:
    """The step's loss from its sums S_r and coefficients c_r, for curves and validation."""
    return sum(factor * sums.get(role, 0.0) for role, factor in factors.items())
