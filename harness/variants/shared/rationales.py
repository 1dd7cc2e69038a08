"""What a model says behind a reference, and what there is to say about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from harness.protocols import Generator, Sources
from harness.records import JSON, Decoding, Generation, Pair, Role, TokenIds
from harness.seeds import stream
from harness.variants.shared.written import written

PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class Rationale:
    """What followed one reference; ``text`` is empty where the model ended its turn at once.

    ``retried`` where it had to be asked twice. ``ends_turn`` where the end of the turn is yet to be
    put behind the token ids: our own model's ids have it where it was generated.
    """

    token_ids: TokenIds
    text: str
    finished: bool
    retried: bool = False
    ends_turn: bool = False

    @property
    def empty_at_first(self) -> bool:
        """Whether the model, left alone, had nothing to add."""
        return self.retried or not self.text

    @property
    def num_tokens(self) -> int:
        """Tokens to train on, the end of the turn among them."""
        return len(self.token_ids) + self.ends_turn


NONE = Rationale((), "", True)


def continued(
    sources: Sources,
    writer: Generator,
    starts: Sequence[TokenIds],
    separator: str,
    decoding: Decoding,
) -> list[Rationale]:
    """How the writer goes on behind each start and the separator, which counts as rationale."""
    lead = writer.tokenizer.encode(separator) if separator else ()
    generations = writer.generate([start + lead for start in starts], decoding)
    return [_rationale(sources, writer, lead, separator, one) for one in generations]


def _rationale(
    sources: Sources, writer: Generator, lead: TokenIds, separator: str, generation: Generation
) -> Rationale:
    if not generation.text.strip():
        return NONE
    text = separator + generation.text
    segment = written(sources, writer, Role.RATIONALE, generation)
    own = segment.token_ids
    token_ids = sources.base.tokenizer.encode(text) if own is None else lead + own
    return Rationale(token_ids, text, generation.finished, ends_turn=segment.ends_turn)


def rotate(chosen: Sequence[int], seed: int) -> list[tuple[int, int]]:
    """Who gets whose rationale: a cycle through a shuffled order, nobody keeping their own."""
    order = list(chosen)
    stream(seed, "radis/shuffle").shuffle(order)
    return list(zip(order, order[1:] + order[:1], strict=True))


def facts(
    sources: Sources, rationales: Mapping[int, Rationale], chosen: Sequence[int]
) -> dict[str, float]:
    """Empty rate per language pair; mean length |r| and ratio |r|/|y| in tokens; share cut."""
    if not chosen:
        return {"rationale_fraction": 0.0}
    pairs = sources.corpora.parallel
    lengths = [rationales[index].num_tokens for index in chosen]
    references = [len(sources.base.tokenizer.encode(pairs[index].target)) for index in chosen]
    measured = {
        "rationale_fraction": len(chosen) / len(pairs),
        "rationale_mean_tokens": fmean(lengths),
        "rationale_length_ratio": sum(lengths) / max(sum(references), 1),
        "rationale_cut_rate": fmean(not rationales[index].finished for index in chosen),
        "empty_rate": fmean(rationales[index].empty_at_first for index in chosen),
        "fallback_fraction": fmean(not rationales[index].text for index in chosen),
    }
    by_direction: dict[str, list[bool]] = {}
    for index in chosen:
        direction = f"{pairs[index].source_lang}-{pairs[index].target_lang}"
        by_direction.setdefault(direction, []).append(rationales[index].empty_at_first)
    return measured | {f"empty_rate/{name}": fmean(flags) for name, flags in by_direction.items()}


def row(pair: Pair, rationale: Rationale) -> dict[str, JSON]:
    """A rationale beside its pair, to show to a person."""
    return {
        "id": pair.id,
        "source": pair.source,
        "reference": pair.target,
        "rationale": rationale.text,
        "tokens": rationale.num_tokens,
        "finished": rationale.finished,
    }
