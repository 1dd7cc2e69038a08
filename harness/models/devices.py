"""Which accelerators this process may use, without asking torch."""

import os
import runpy
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from harness.models.spec import ModelSpec

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


def device_kind(spec: ModelSpec) -> str:
    """``cpu`` or ``cuda``: numbers differ between kinds, not (we trust) between cards of one."""
    if spec.device != "auto":
        return spec.device
    return "cuda" if _has_accelerator() else "cpu"


@cache
def _has_accelerator() -> bool:
    # Only the driver is asked: torch takes seconds to import, and identities are wanted before it.
    is_there = any(Path("/dev").glob("nvidia[0-9]*"))
    return is_there and bool(visible_devices()) and _torch_has_cuda()


def _torch_has_cuda() -> bool:
    torch = find_spec("torch")
    if torch is None or torch.origin is None:
        return False
    version = runpy.run_path(str(Path(torch.origin).with_name("version.py")))
    return version.get("cuda") is not None
