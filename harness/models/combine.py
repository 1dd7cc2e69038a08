"""Several adapters as one: a single one scaled, or merged by PEFT's own methods.

Settings, by ``method``:

- ``scale`` with ``factor``: one adapter whose dW is multiplied. WiSE-FT (Wortsman et al. 2022,
  2109.01903, section 3): (1 - a) theta_0 + a theta_1 is theta_0 + a dW.
- any ``combination_type`` of PEFT's ``add_weighted_adapter`` with ``weights``, one per adapter, and
  where it takes them ``density`` and ``seed`` (of DARE's and pruning's chance).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from harness.errors import ConfigError
from harness.models.chat_model import ChatModel
from harness.models.lora import detach, load_adapter, load_another, save_adapter
from harness.models.updates import low_rank_updates
from harness.records import JSON

_MERGED = "merged"


def combine(
    chat_model: ChatModel, parts: Mapping[str, Path], settings: Mapping[str, JSON], folder: Path
) -> dict[str, JSON]:
    """Writes the combined adapter into a folder; returns what there is to say of it.

    Args:
        chat_model: The base model, as it was again afterwards.
        parts: Adapter folders by name.
        settings: See above.
        folder: Gets the adapter.

    Raises:
        ConfigError: An adapter does not fit, or PEFT cannot merge these.
    """
    names = list(parts)
    tuned = load_adapter(chat_model, parts[names[0]], name=names[0])
    try:
        for name in names[1:]:
            load_another(tuned, parts[name], name)
        if settings["method"] == "scale":
            norm = _scale(tuned.model, float(settings["factor"]))
            save_adapter(tuned, folder)
        else:
            norm = _merge(tuned.model, names, settings)
            save_adapter(tuned, folder, name=_MERGED)
    finally:
        detach(tuned)
    return {"train/update_norm": norm}


def _scale(model: Any, factor: float) -> float:
    """Multiplies dW, in B alone; the norm of dW afterwards."""
    with torch.no_grad():
        for update in low_rank_updates(model, "scaling an adapter"):
            update.b_OR.mul_(factor)
    return _norm(model)


def _merge(model: Any, names: Sequence[str], settings: Mapping[str, JSON]) -> float:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(settings.get("seed", 0)))
        try:
            model.add_weighted_adapter(
                list(names),
                [float(weight) for weight in settings["weights"]],
                _MERGED,
                combination_type=settings["method"],
                density=settings.get("density"),
            )
        except (ValueError, NotImplementedError) as error:
            raise ConfigError(f"merging by {settings['method']}: {error}") from error
    model.set_adapter(_MERGED)
    return _norm(model, _MERGED)


def _norm(model: Any, adapter: str | None = None) -> float:
    updates = low_rank_updates(model, "the norm of an adapter", adapter)
    with torch.no_grad():
        return float(sum(one.squared_norm() for one in updates) ** 0.5)
