"""Which accelerator each worker of a sweep has: one trial per device, without asking torch."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.models.spec import ModelSpec

_VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_devices(dev: Path = Path("/dev")) -> tuple[str, ...]:
    """The accelerators this process may use, each as ``CUDA_VISIBLE_DEVICES`` names it.

    Args:
        dev: Folder of the device files, counted where the variable is not set.
    """
    named = os.environ.get(_VISIBLE)
    if named is None:
        count = len(list(dev.glob("nvidia[0-9]*")))
        return tuple(str(number) for number in range(count))
    found: list[str] = []
    for one in (part.strip() for part in named.split(",")):
        if one in ("", "-1"):
            break  # CUDA, too, reads no further
        found.append(one)
    return tuple(found)


def to_share(model: ModelSpec) -> tuple[str, ...]:
    """The accelerators to share out among the workers of a sweep over a model.

    None where the model is to run on the CPU, or where each of its trials takes all of them.
    """
    if model.device == "cpu" or model.device_map is not None:
        return ()
    return visible_devices()


def pinned(worker: int, devices: Sequence[str]) -> Mapping[str, str]:
    """What a worker's environment says of its device; workers beyond their number share.

    >>> dict(pinned(3, ["0", "1"]))
    {'CUDA_VISIBLE_DEVICES': '1', 'CUDA_DEVICE_ORDER': 'PCI_BUS_ID'}
    >>> dict(pinned(3, []))
    {}
    """
    if not devices:
        return {}
    # Device files are numbered by bus; CUDA's own order is by speed.
    order = os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return {_VISIBLE: devices[worker % len(devices)], "CUDA_DEVICE_ORDER": order}
