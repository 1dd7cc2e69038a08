"""Named random streams: every random choice has its own, so that adding one moves no other."""

import hashlib
import random


def stream_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream ``name`` of a run, for libraries that take a number.

    >>> stream_seed(1, "shuffle") == stream_seed(1, "dropout")
    False
    """
    return int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:8]) >> 1


def stream(seed: int, name: str) -> random.Random:
    """The stream ``name`` of a run."""
    return random.Random(stream_seed(seed, name))
