"""What an answering shows before the items of a benchmark: whose key it is in, how long it is."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from harness.benchmarks.lm_file import LmTask
from harness.benchmarks.read import Benchmark
from harness.errors import DataError, HarnessError, raise_all
from harness.models.limits import Limits
from harness.models.turns import framed
from harness.protocols import Answering, Framing, Tokenizer
from harness.records import JSON, Asked, Message
from harness.settings import plugins

SHORTER = "show fewer examples (variant.examples), or before translations alone (variant.prompts)"


def answering_by(settings: Mapping[str, JSON]) -> Answering:
    """The way of answering that its kind and settings name."""
    others = {name: value for name, value in settings.items() if name != "kind"}
    kind: Answering = plugins.load("answering", str(settings["kind"])).model_validate(others)
    return kind


def answering_identity(
    settings: Mapping[str, JSON] | None, benchmark: Benchmark
) -> dict[str, JSON]:
    """What of a way of answering may change the answers to a benchmark; {} where nothing does.

    Of one that shows something it is what these items are shown, whatever it has for others: asked
    the same, a benchmark is answered once.
    """
    if settings is None:
        return {}
    answering = answering_by(settings)
    if not isinstance(answering, Framing):
        return {"answering": dict(settings)}
    shown: list[JSON] = [
        [
            item.source_lang,
            item.language if item.translation else None,
            [[turn.role, turn.content] for turn in turns],
        ]
        for item in _kinds_of_items(benchmark)
        if (turns := answering.turns(item))
    ]
    return {"answering": {"kind": settings["kind"], "shown": shown}} if shown else {}


def check_shown(settings: Mapping[str, JSON] | None, benchmarks: Sequence[Benchmark]) -> None:
    """Sees to it that there is something to show to every item that is to be shown something.

    Raises:
        DataError: Every benchmark that cannot be asked, by name.
    """
    answering = None if settings is None else answering_by(settings)
    if not isinstance(answering, Framing):
        return
    faults: list[HarnessError] = []
    for benchmark in benchmarks:
        for item in _kinds_of_items(benchmark):
            try:
                answering.turns(item)
            except DataError as error:
                faults.append(DataError(f"{benchmark.key}: {error.message}", error.hint))
    raise_all(faults)


def _kinds_of_items(benchmark: Benchmark) -> Iterator[Asked]:
    """Each kind of item it has, without words: what is shown goes by that."""
    if isinstance(benchmark.task, LmTask):
        yield Asked((), "en")
        return
    kinds = {asked_of_row(row, benchmark.language) for row in benchmark.items}
    yield from sorted(kinds, key=lambda one: (one.translation, str(one.source_lang), one.language))


def asked_of_row(
    row: Mapping[str, JSON],
    language: str,
    messages: tuple[Message, ...] = (),
    later: tuple[str, ...] = (),
) -> Asked:
    """A row of a benchmark as it is asked; ``language`` is wanted where it names none."""
    named, source_lang = row.get("target_lang"), row.get("source_lang")
    return Asked(
        messages,
        str(named) if named else language,
        translation="target_lang" in row,
        later=later,
        source_lang=str(source_lang) if source_lang else None,
    )


@dataclass
class ShownTokens:
    """Counts the tokens shown before items, and finds those that then fit the context no longer.

    Args:
        tokenizer: The model's.
        answering: Shows something.
        limits: Of the model; None where they are not known.

    Attributes:
        counts: Tokens shown, over all turns and choices of an item, by its benchmark and number.
    """

    tokenizer: Tokenizer
    answering: Framing
    limits: Limits | None
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    _lengths: dict[Asked, tuple[int, int]] = field(default_factory=dict)
    _faults: list[tuple[int, str]] = field(default_factory=list)

    def add(self, item: tuple[str, int], name: str, asked: Asked, num_answer: int) -> None:
        """One request.

        Args:
            item: Its benchmark and its number there.
            name: The item's own, for people.
            asked: What is asked.
            num_answer: Tokens that may follow.
        """
        plain, whole = self._lengths_of(asked)
        self.counts[item] += (whole - plain) * (1 + len(asked.later))
        if self.limits is None or self.limits.fault_of(plain, num_answer):
            return  # a prompt too long by itself is told where it is read
        if (fault := self.limits.fault_of(whole, num_answer)) is not None:
            self._faults.append((whole, f"{item[0]}: {name}: {fault}"))

    def raise_faults(self) -> None:
        """Refuses what does not fit.

        Raises:
            DataError: The longest such prompt, and how many there are.
        """
        if self._faults:
            _, longest = max(self._faults)
            raise DataError(
                f"{longest}: it fits without the examples shown before it, and so do the others of "
                f"{len(self._faults)} such prompts",
                SHORTER,
            )

    def _lengths_of(self, asked: Asked) -> tuple[int, int]:
        if asked not in self._lengths:
            turns, encode = self.answering.turns(asked), self.tokenizer.encode_chat
            plain = len(encode(asked.messages)) if turns else 0
            self._lengths[asked] = plain, len(encode(framed(asked, turns))) if turns else 0
        return self._lengths[asked]
