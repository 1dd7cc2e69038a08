"""Which accelerators this process may use, without asking torch."""

import os
from pathlib import Path

VISIBLE = "CUDA_VISIBLE_DEVICES"


def visible_devices(dev: Path = Path("/dev")) -> tuple[str, ...]:
    """The accelerators this process may use, each as ``CUDA_VISIBLE_DEVICES`` names it.

    Args:
        dev: Folder of the device files, counted where the variable is not set.
    """
    named = os.environ.get(VISIBLE)
    if named is None:
        count = len(list(dev.glob("nvidia[0-9]*")))
        return tuple(str(number) for number in range(count))
    visible: list[str] = []
    for device in (part.strip() for part in named.split(",")):
        if device in ("", "-1"):
            break  # CUDA, too, reads no further
        visible.append(device)
    return tuple(visible)
