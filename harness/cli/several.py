"""Options with several values in a row: ``--metric bleu chrf`` as well as ``--metric`` twice."""

import re
from typing import Any

import click


class SeveralValues(click.Command):
    """A command one of whose options goes on over the words that follow it.

    Args:
        several: The option, ``--metric``.
        word: Regular expression of the words it takes; the first other word ends it.
    """

    def __init__(self, *args: Any, several: str, word: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._several = several
        self._word = re.compile(word)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Repeats the option before each further word."""
        spread: list[str] = []
        taken = -1  # words taken since the option, -1 outside of it
        for word in args:
            if word == self._several:
                taken = 0
            elif taken >= 1 and self._word.fullmatch(word):
                spread.append(self._several)
            elif taken == 0:
                taken = 1
            else:
                taken = -1
            spread.append(word)
        return super().parse_args(ctx, spread)
