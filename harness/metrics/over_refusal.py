"""Over-refusal rate: refusals of requests that are safe, though they may sound harmful.

Röttger et al. (2024), "XSTest", arXiv 2308.01263.
"""

from typing import ClassVar

from harness.metrics.refusal import Refusal


class OverRefusal(Refusal):
    """Share of answers to safe requests that refuse, 0..1, lower is better.

    The rule and the classes are those of `refusal`. An empty answer scores 0: it is no refusal,
    and `empty` and `translated_instead` count what is no answer either. Reference implementation:
    this one.
    """

    higher_is_better: ClassVar[bool] = False


METRIC = OverRefusal
