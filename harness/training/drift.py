"""How far a model in training has drifted from the untuned one, theta_0, on general chats.

theta_0 answers the chats greedily, once; every measure looks at those answers, token by token, the
answer so far being theta_0's own. Measured, never trained on: nothing here has a gradient. (A
variant that replays general chats may learn some of the same, and then drifts less on these than on
others.)

Shapes: N answer tokens, V vocabulary.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from harness.errors import ConfigError
from harness.models.updates import Update, low_rank_updates
from harness.records import Role, TokenRow
from harness.training.batches import Batch, micro_batches
from harness.training.closed_forms import forward_kl
from harness.training.passes import passes
from harness.training.prepare import prepare
from harness.training.untuned import untuned

PREFIX = "train/drift/"

_ALL = dict.fromkeys(Role, 1.0)


class Drift:
    """Measures the drift of a model that has an adapter, as it is when it is called.

    Args:
        model: With the adapter in training on it; theta_0 is the same with it switched off.
        answered: theta_0's answers by skill, a row per chat.
        max_tokens: Most tokens that go through the model at once.
        pad_id: Fills the ends of short rows.
    """

    def __init__(
        self,
        model: Any,
        answered: Mapping[str, Sequence[TokenRow]],
        max_tokens: int,
        pad_id: int,
    ) -> None:
        self._model = model
        self._batches = {
            skill: micro_batches(prepare(rows, _ALL), max_tokens, pad_id)
            for skill, rows in answered.items()
        }
        self._updates = _updates(model)

    def __call__(self) -> dict[str, float]:
        """The measures as metrics of a training curve.

        - ``train/drift/kl``: mean KL(theta_0 || theta) per answer token, in nats.
        - ``train/drift/agreement/<skill>``: share of the skill's chats whose every answer token is
          still the likeliest; ``train/drift/agreement`` is the mean over the skills.
        - ``train/drift/norm/<layer type>/<depth>``: Frobenius norm of dW; ``train/drift/norm`` is
          that of all layers together. Not where dW is more than B A: DoRA, trained embeddings.
        """
        divergence, num_tokens = 0.0, 0
        agreement: dict[str, float] = {}
        for skill, batches in self._batches.items():
            agreeing: list[bool] = []
            for batch in batches:
                values_N, same_N = self._compare(batch)
                divergence += float(values_N.double().sum())
                num_tokens += len(values_N)
                rows = torch.split(same_N, batch.loss_BT.sum(dim=1).tolist())
                agreeing += [bool(row.all()) for row in rows]
            agreement[skill] = sum(agreeing) / len(agreeing)
        measured = {f"{PREFIX}agreement/{skill}": share for skill, share in agreement.items()}
        if agreement:
            measured[f"{PREFIX}kl"] = divergence / num_tokens
            measured[f"{PREFIX}agreement"] = sum(agreement.values()) / len(agreement)
        return measured | self._norms()

    @torch.no_grad()
    def _compare(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """KL at every answer token, and whether it is still the likeliest, both [N]."""
        values, same = [], []
        for part, make in passes(self._model, batch):
            passed = make()
            with untuned(self._model):
                before_NV = passed.logits()
            values.append(forward_kl(passed.logits_NV, before_NV).cpu())
            same.append(passed.logits_NV.argmax(-1).cpu() == batch.targets_N[part])
            del passed, before_NV  # not beside those of the next part
        return torch.cat(values), torch.cat(same)

    @torch.no_grad()
    def _norms(self) -> dict[str, float]:
        squares: dict[str, float] = {}
        for update in self._updates:
            key = f"{PREFIX}norm/{layer(update.name)}"
            squares[key] = squares.get(key, 0.0) + float(update.squared_norm())
        if squares:
            squares[f"{PREFIX}norm"] = sum(squares.values())
        return {key: max(0.0, square) ** 0.5 for key, square in squares.items()}


def layer(name: str) -> str:
    """A layer's type and depth, from the name the model has for it.

    >>> layer("model.layers.3.self_attn.q_proj"), layer("score")
    ('q_proj/3', 'score')
    """
    parts = name.split(".")
    depth = next((part for part in parts if part.isdigit()), None)
    return parts[-1] if depth is None else f"{parts[-1]}/{depth}"


def _updates(model: Any) -> list[Update]:
    try:
        return low_rank_updates(model, "the norm of dW")
    except ConfigError:
        return []
