"""Checks of what one configuration needs beside what every run needs."""

import importlib
from collections.abc import Iterator, Mapping
from importlib import metadata

from harness.doctor.machine import Finding
from harness.errors import HarnessError
from harness.metrics.metricx import MetricXRegression
from harness.models.devices import device_kind
from harness.models.metricx_checkpoint import to_be_fetched
from harness.models.spec import ModelSpec
from harness.records import JSON
from harness.trial.config import TrialConfig
from harness.trial.preflight import preflight

_LIBRARY = "bitsandbytes"
_INSTALL = "pip install 'mt-tuning-harness[quantise]'"
_WIDTH = 64


def check_configuration(config: TrialConfig) -> Iterator[Finding]:
    """The model, the corpora and the benchmarks it names, and the library that quantises."""
    # The check of its own below says more about the library.
    whole = config.model.model_copy(update={"quantise": None})
    try:
        preflight(config.model_copy(update={"model": whole}))
    except HarnessError as error:
        yield Finding("configuration", "missing", error.message, error.hint)
    else:
        found = f"{config.name}: its model, corpora and benchmarks are here"
        yield Finding("configuration", "ok", found)
    for name in ("metricx", "metricx_qe"):
        if name in config.eval.metrics:
            yield check_metricx(name, config.eval.metrics[name])
    if config.model.quantise is not None:
        yield check_quantise(config.model)


def check_metricx(name: str, settings: Mapping[str, JSON]) -> Finding:
    """Whether MetricX's checkpoint and its tokenizer are on this machine; neither is loaded."""
    model = MetricXRegression.model_validate(dict(settings)).model
    absent = to_be_fetched(model)
    if not absent:
        return Finding(name, "ok", f"{model} and its tokenizer are here")
    remedy = "; ".join(f"hf download {repository}" for repository in absent)
    return Finding(name, "note", f"{', '.join(absent)} will be fetched at the first score", remedy)


def check_quantise(spec: ModelSpec) -> Finding:
    """Whether the library is there and quantises on the device, by one small layer."""
    setting = f"model.quantise: {spec.quantise}"
    device = device_kind(spec)
    try:
        library = importlib.import_module(_LIBRARY)
        torch = importlib.import_module("torch")
    except ModuleNotFoundError as error:
        fault = f"{setting}, but {error.name} is not installed"
        return Finding(_LIBRARY, "missing", fault, _INSTALL)
    except Exception as error:  # whatever a broken installation raises is the finding
        fault = f"{setting}, but it cannot be imported: {type(error).__name__}: {error}"
        return Finding(_LIBRARY, "missing", fault, f"pip uninstall {_LIBRARY} && {_INSTALL}")
    try:
        if spec.quantise == "int8":
            layer = library.nn.Linear8bitLt(_WIDTH, _WIDTH, has_fp16_weights=False)
        else:
            layer = library.nn.Linear4bit(_WIDTH, _WIDTH, quant_type=spec.quantise)
        given = torch.ones(1, _WIDTH, dtype=getattr(torch, spec.dtype), device=device)
        layer.to(device)(given)
    except Exception as error:  # kernels that are missing fail in many ways
        reason = str(error).strip().splitlines() or [type(error).__name__]
        fault = f"{setting}, but a layer on {device} fails: {reason[0]}"
        remedy = "it wants an accelerator that torch can use (see gpu), or leave model.quantise out"
        return Finding(_LIBRARY, "missing", fault, remedy)
    version = metadata.version(_LIBRARY)
    return Finding(_LIBRARY, "ok", f"{version} quantises on {device} ({setting})")
