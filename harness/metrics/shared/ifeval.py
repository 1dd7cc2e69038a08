"""The only door to lm-eval's checker of IFEval's instructions; loaded when an item is scored."""

import contextlib
import importlib
import io
import random
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from harness.errors import DataError, MissingExtra
from harness.records import Prediction

_PACKAGES = ("langdetect", "immutabledict", "nltk")
_WITH_SENTENCES = {"length_constraints:number_sentences", "change_case:capital_word_frequency"}
"""Instructions whose check splits text with NLTK's sentence model."""


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
        with _determined(prediction.id):
            return tuple(map(bool, test(item, prediction.answer).follow_instruction_list))
    except LookupError as error:
        if "nltk" not in str(error).lower():
            raise
        raise _no_sentences() from None


def check_here(predictions: Sequence[Prediction]) -> None:
    """Sees to it that all that checking these items needs is on this machine.

    Raises:
        MissingExtra: The checker's packages are not, or NLTK's sentence model.
    """
    _checker()
    asked: set[Any] = set()
    for prediction in predictions:
        ids: Any = prediction.extra.get("instruction_id_list") or ()
        asked.update(ids)
    if _WITH_SENTENCES & asked:
        try:
            importlib.import_module("nltk").data.find("tokenizers/punkt_tab/english")
        except LookupError:
            raise _no_sentences() from None


def _no_sentences() -> MissingExtra:
    return MissingExtra(
        "IFEval needs NLTK's punkt_tab to count sentences and words",
        "`harness doctor --fetch punkt_tab` puts it here; NLTK_DATA names a folder that has it",
    )


@contextlib.contextmanager
def _determined(name: str) -> Iterator[None]:
    """One verdict on one answer, whatever was checked before and in which process.

    The checker draws what an instruction leaves open (items 1122 and 1129 ask for a letter that is
    none), and langdetect draws too.
    """
    state = random.getstate()
    importlib.import_module("langdetect").DetectorFactory.seed = 0
    random.seed(f"ifeval/{name}")
    try:
        yield
    finally:
        random.setstate(state)


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
