"""Small benchmarks on disk, for all tests of this room."""

from tests.small_benchmarks import benchmarks

__all__ = ["benchmarks"]
