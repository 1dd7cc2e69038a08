"""Which accelerators each worker of a sweep has: one trial per device, or per so many."""

import os
from collections.abc import Mapping, Sequence

from harness.models.devices import VISIBLE, visible_devices
from harness.models.spec import ModelSpec


def to_share(model: ModelSpec, each: int = 1) -> tuple[tuple[str, ...], ...]:
    """The accelerators to share out among the workers of a sweep over a model, in groups.

    None where the model is to run on the CPU, or where each of its trials takes all of them.

    Args:
        model: The model.
        each: Accelerators a trial takes; those that are left over when the others are grouped stay
            idle.
    """
    if model.device == "cpu" or model.device_map is not None:
        return ()
    devices = visible_devices()
    return tuple(devices[i : i + each] for i in range(0, len(devices) - each + 1, each))


def pinned(worker: int, groups: Sequence[Sequence[str]]) -> Mapping[str, str]:
    """What a worker's environment says of its devices; workers beyond the groups' number share.

    >>> dict(pinned(3, [["0"], ["1"]]))
    {'CUDA_VISIBLE_DEVICES': '1', 'CUDA_DEVICE_ORDER': 'PCI_BUS_ID'}
    >>> pinned(1, [["0", "1"], ["2", "3"]])["CUDA_VISIBLE_DEVICES"]
    '2,3'
    >>> dict(pinned(3, []))
    {}
    """
    if not groups:
        return {}
    # Device files are numbered by bus; CUDA's own order is by speed.
    order = os.environ.get("CUDA_DEVICE_ORDER", "PCI_BUS_ID")
    return {VISIBLE: ",".join(groups[worker % len(groups)]), "CUDA_DEVICE_ORDER": order}
