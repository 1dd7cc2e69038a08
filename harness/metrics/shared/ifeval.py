"""The only door to lm-eval's checker of IFEval's instructions; loaded when an item is scored."""

import contextlib
import importlib
import io
from functools import cache
from typing import Any

from harness.errors import DataError, MissingExtra
from harness.records import Prediction

_PACKAGES = ("langdetect", "immutabledict", "nltk")


def followed(prediction: Prediction, *, loose: bool) -> tuple[bool, ...]:
    """Which of an item's instructions its answer follows.

    Args:
        prediction: With `instruction_id_list` and `kwargs`, as IFEval's data have them.
        loose: Whether it is also tried without its first or last line, and without asterisks.

    Raises:
        DataError: The item has an instruction IFEval does not know.
        MissingExtra: The checker's packages, or NLTK's sentence splitter, are not here.
    """
    # as the checker takes them, which knows what belongs in them
    ids: Any = prediction.extra["instruction_id_list"]
    given: Any = prediction.extra["kwargs"]
    checker = _checker()
    unknown = [one for one in ids if one not in checker.instructions_registry.INSTRUCTION_DICT]
    if unknown or len(given) != len(ids):
        raise DataError(
            f"ifeval: item {prediction.id!r}: found {unknown or f'{len(given)} kwargs'}, allowed: "
            "IFEval's instructions, each with its kwargs"
        )
    item = checker.InputExample(prediction.id, ids, prediction.prompt, given)
    kind = "loose" if loose else "strict"
    test = getattr(checker, f"test_instruction_following_{kind}")
    try:
        return tuple(map(bool, test(item, prediction.answer).follow_instruction_list))
    except LookupError as error:
        if "nltk" not in str(error).lower():
            raise
        raise MissingExtra(
            "IFEval needs NLTK's punkt_tab to count sentences and words",
            "`python -m nltk.downloader punkt_tab`, on a machine with network; NLTK_DATA names the "
            "folder it is in",
        ) from None


@cache
def _checker() -> Any:
    try:
        nltk: Any = importlib.import_module("nltk")
        # It fetches punkt_tab when imported, and prints so: what is missing is said, not fetched.
        fetch, nltk.download = nltk.download, lambda *_, **__: False
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                return importlib.import_module("lm_eval.tasks.ifeval.utils")
        finally:
            nltk.download = fetch
    except ImportError as error:
        raise MissingExtra(
            f"IFEval needs lm-eval's checker and {', '.join(_PACKAGES)}: {error}",
            "pip install 'lm-eval[ifeval]'",
        ) from None
