"""Frozen weights in four or eight bits, by bitsandbytes: what it is asked, and whether it is there.

Torch-free: a missing library is said before anything is loaded.
"""

from collections.abc import Mapping
from importlib.util import find_spec

from harness.errors import MissingExtra
from harness.models.spec import ModelSpec
from harness.records import JSON

_LIBRARY = "bitsandbytes"


def check_quantise(spec: ModelSpec) -> None:
    """Looks for the library where the model is to be quantised.

    Raises:
        MissingExtra: It is not installed.
    """
    if spec.quantise is not None and find_spec(_LIBRARY) is None:
        raise MissingExtra(
            f"model.quantise: found {spec.quantise!r}, but {_LIBRARY} is not installed",
            "pip install 'mt-tuning-harness[quantise]', or leave model.quantise out",
        )


def quantise_arguments(spec: ModelSpec) -> Mapping[str, JSON] | None:
    """Arguments of transformers' ``BitsAndBytesConfig``; None where weights stay as they are.

    The constants of the 4-bit blocks are quantised as well, as in QLoRA.

    >>> quantise_arguments(ModelSpec(path="m", quantise="int8"))
    {'load_in_8bit': True}
    """
    if spec.quantise is None:
        return None
    if spec.quantise == "int8":
        return {"load_in_8bit": True}
    return {
        "load_in_4bit": True,
        "bnb_4bit_quant_type": spec.quantise,
        "bnb_4bit_compute_dtype": spec.dtype,
        "bnb_4bit_use_double_quant": True,
    }
