"""What works on this machine and what to do about the rest.

No check raises, downloads anything or leaves anything behind.
"""

from collections.abc import Iterator
from pathlib import Path

from harness.doctor import configured, machine, parts
from harness.doctor.machine import Finding
from harness.trial.config import TrialConfig


def examine(
    home: Path, tracking_uri: str | None, config: TrialConfig | None = None
) -> Iterator[Finding]:
    """All checks, each made when it is asked for: some take seconds.

    Args:
        home: Folder that is to hold the store.
        tracking_uri: Of the MLflow store, None for its default.
        config: What is to be run, None to look at the machine alone.
    """
    yield machine.check_python()
    yield machine.check_processors()
    yield machine.check_disk(home)
    yield machine.check_git()
    yield machine.check_hub()
    yield parts.check_pocket()
    yield parts.check_benchmarks(Path("benchmarks"))
    yield parts.check_punkt()
    yield from machine.check_libraries()
    yield machine.check_gpu()
    yield parts.check_tracking(tracking_uri)
    yield parts.check_comet()
    engines = {} if config is None else config.engines()
    pythons = {spec.vllm.python for spec in engines.values() if spec.engine == "vllm"}
    yield from map(parts.check_vllm, pythons or {None})
    if config is not None:
        yield from configured.check_configuration(config)
