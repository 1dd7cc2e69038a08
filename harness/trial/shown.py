"""What a method that trains nothing shows the model instead, and what can be wrong with it."""

from collections.abc import Iterable, Sequence

from harness.benchmarks.read import Benchmark
from harness.data.corpora import train_pairs
from harness.data.prompts import TranslationPrompt
from harness.data.spec import DataSpec
from harness.errors import ConfigError, DataError, HarnessError, raise_all
from harness.evaluation.shown import check_shown
from harness.models.answering_file import answering_of
from harness.protocols import Showing
from harness.records import JSON, Pair
from harness.storage.store import Store
from harness.trial.config import TrialConfig


def shown_settings(config: TrialConfig, pairs: Sequence[Pair]) -> dict[str, JSON]:
    """How the model of such a method is asked: kind and settings.

    Args:
        config: Of a method that shows pairs.
        pairs: The training set.

    Raises:
        ConfigError: The model says itself how it is to be asked, and both cannot be.
        DataError: There are too few pairs.
    """
    assert isinstance(config.variant, Showing)
    assert config.data is not None
    own = answering_of(config.model)
    if own is not None:
        raise ConfigError(
            f"variant: {config.variant.name} shows pairs to a model that is asked plainly, and "
            f"{config.model.adapter or config.model.path} says that it answers by {own['kind']}"
        )
    prompt = TranslationPrompt(config.data)
    return dict(config.variant.shown(pairs, prompt, config.seed))


def check_showing(
    configs: Iterable[TrialConfig], benchmarks: Sequence[Benchmark], store: Store | None
) -> None:
    """Draws what each configuration shows, and holds it against the benchmarks; keeps nothing.

    Args:
        configs: Any; those that show nothing are left out.
        benchmarks: What is asked.
        store: May have the corpora, read and checked.

    Raises:
        ConfigError, DataError: All that is wrong.
    """
    read: dict[str, tuple[Pair, ...]] = {}
    faults: list[HarnessError] = []
    for config in configs:
        if not isinstance(config.variant, Showing) or config.data is None:
            continue
        key = config.data.fingerprint()
        try:
            if key not in read:
                read[key] = _pairs(config.data, store)
            if read[key]:
                check_shown(shown_settings(config, read[key]), benchmarks)
        except (ConfigError, DataError) as error:
            faults.append(error)
    raise_all(faults)


def _pairs(data: DataSpec, store: Store | None) -> tuple[Pair, ...]:
    """The training set; none where it cannot be read, which the check of corpora tells."""
    try:
        return train_pairs(data, store)
    except DataError:
        return ()
