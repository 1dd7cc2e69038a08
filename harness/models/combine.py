"""Several adapters as one: a single one scaled, or merged by PEFT's own methods.

Settings, by ``method``:

- ``scale`` with ``factor``: one adapter whose dW is multiplied. WiSE-FT (Wortsman et al. 2022,
  2109.01903, section 3): (1 - a) theta_0 + a theta_1 is theta_0 + a dW.
- any ``combination_type`` of PEFT's ``add_weighted_adapter`` with ``weights`` by adapter, and where
  it takes them ``density`` and ``seed`` (of DARE's chance, see ``draws``).

The result is a plain LoRA adapter, whatever its parts' scaling was.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from harness.errors import ConfigError
from harness.models.chat_model import ChatModel, forked_streams
from harness.models.lora import detach, load_adapter, load_another, save_adapter
from harness.models.updates import low_rank_updates
from harness.records import JSON
from harness.settings.spec import Spec

_MERGED = "merged"


class _Settings(Spec):
    """What there is beside ``method``, of which each has its own."""

    method: str
    factor: float = 1.0
    weights: Mapping[str, float] = {}
    density: float | None = None
    seed: int = 0


def draws(settings: Mapping[str, JSON]) -> bool:
    """Whether combining takes chances, so that ``settings`` need a ``seed``."""
    return str(settings["method"]).startswith("dare")


def combine(
    chat_model: ChatModel, parts: Mapping[str, Path], settings: Mapping[str, JSON], folder: Path
) -> dict[str, float]:
    """Writes the combined adapter into a folder; returns what there is to say of it.

    Args:
        chat_model: The base model, as it was again afterwards.
        parts: Adapter folders by name.
        settings: See above.
        folder: Gets the adapter.

    Raises:
        ConfigError: An adapter does not fit, or PEFT cannot merge these.
    """
    how = _Settings.model_validate(settings)
    # Names of our own: PEFT refuses some, and does nothing where the result's is taken.
    inner = {name: f"part{number}" for number, name in enumerate(parts)}
    first, *others = parts
    tuned = load_adapter(chat_model, parts[first], name=inner[first])
    try:
        for name in others:
            load_another(tuned, parts[name], inner[name])
        updates = low_rank_updates(tuned.model, "combining adapters")
        if how.method == "scale":
            with torch.no_grad():
                for update in updates:
                    update.b_OR.mul_(how.factor)  # B alone scales dW
            result = inner[first]
        else:
            _merge(tuned.model, {inner[name]: how.weights[name] for name in parts}, how)
            result = _MERGED
        updates = low_rank_updates(tuned.model, "combining adapters", result)
        with torch.no_grad():
            norm = float(sum(update.squared_norm() for update in updates) ** 0.5)
        save_adapter(tuned, folder, name=result)
    finally:
        detach(tuned)
    return {"train/update_norm": norm}


def _merge(model: Any, weights: Mapping[str, float], how: _Settings) -> None:
    with forked_streams(model):
        torch.manual_seed(how.seed)
        try:
            model.add_weighted_adapter(
                list(weights),
                list(weights.values()),
                _MERGED,
                combination_type=how.method,
                density=how.density,
                svd_full_matrices=False,
            )
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(f"merging by {how.method}: {error}") from error
    _scale_by_one(model)


def _scale_by_one(model: Any) -> None:
    # PEFT 0.21 puts the parts' scaling into A and B and sets alpha to the rank, which is a scaling
    # of 1, but keeps rsLoRA's flag, under which it is not.
    model.peft_config[_MERGED].use_rslora = False
    for module in model.modules():
        if _MERGED in getattr(module, "lora_A", {}):
            module.scaling[_MERGED] = 1.0
