"""The progress bars of `datasets`, which it writes into pipes and beside JSON, too."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_bars() -> Iterator[None]:
    """None of them meanwhile: what a user should see is said by whoever calls."""
    import datasets  # heavy: for who wants it

    shown = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if shown:
            datasets.enable_progress_bars()
