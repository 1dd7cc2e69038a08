"""Test sets of the Hugging Face hub: the only door to ``datasets`` that evaluation has."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import datasets

from harness.benchmarks.source import HUB, SourceSpec
from harness.errors import DataError
from harness.records import JSON


def records(spec: SourceSpec, data: Path | None) -> Iterator[Mapping[str, JSON]]:
    """The rows of a data set: of its copy in the data folder, else from the hub or its cache.

    Raises:
        DataError: It is in neither; the message names the folder looked at and the id.
    """
    assert spec.hub is not None
    copy = None if data is None else data / HUB / spec.hub
    place = str(copy) if copy is not None and copy.is_dir() else spec.hub
    try:
        found = datasets.load_dataset(place, spec.hub_config, split=spec.hub_split)
    except (OSError, ValueError, RuntimeError) as error:
        looked = "no data folder is named" if copy is None else f"no copy at {copy}"
        raise DataError(
            f"{spec.hub} ({spec.hub_config or 'default'}, {spec.hub_split}): not to be had: "
            f"{looked}, and the hub did not give it: {str(error).splitlines()[0]}",
            spec.get,
        ) from None
    yield from found
