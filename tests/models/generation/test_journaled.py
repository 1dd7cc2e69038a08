from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.errors import EvaluationError
from harness.models.chat_model import ChatModel
from harness.models.generation.chunks import ChunkRule
from harness.models.generation.generate import HuggingFaceGenerator
from harness.models.generation.journaled import JournaledGenerator, narrowed
from harness.protocols import Generator, Independent
from harness.records import Decoding, Event, Generation, StageEvent, TokenIds
from harness.settings.spec import digest
from harness.storage.journal import FILE, Journal
from tests.fakes import ScriptedGenerator
from tests.models.generation.test_generate import some_prompts

RULE = ChunkRule(tokens=1, batches=2)
"""Two batches a chunk."""
SAMPLED = Decoding(12, 1.0, 7)


class Killed(Exception):
    """What ends a run here; a process is killed in tests/trial/test_generations_killed.py."""


class Mortal(HuggingFaceGenerator):
    """Dies when it is asked once more."""

    lives = 0
    asked = 0

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        if self.lives == 0:
            raise Killed
        self.lives -= 1
        self.asked += len(prompts)
        return super().generate(prompts, decoding)


class Alone(ScriptedGenerator):
    """Answers one prompt at a time, the last first, and fails at one it is afraid of."""

    def answer_each(
        self,
        prompts: Sequence[TokenIds],
        decoding: Decoding,
        places: Sequence[int],
        on_answer: Callable[[int, Generation], None],
    ) -> None:
        for place in reversed(places):
            (answer,) = self.generate([prompts[place]], decoding)
            copy = prompts[: place + 1].count(prompts[place])
            on_answer(place, Generation((*answer.token_ids, copy), answer.text, answer.finished))


def journaled(
    generator: Generator, folder: Path, events: list[Event] | None = None
) -> JournaledGenerator:
    tell = None if events is None else events.append
    return JournaledGenerator(generator, folder, {"of": "this"}, "completions", tell, RULE)


@pytest.mark.parametrize("decoding", [Decoding(9), SAMPLED])
@pytest.mark.parametrize("lives", [0, 1, 2, 3, 4])
def test_a_run_that_was_ended_goes_on_to_the_same_answers(
    tiny_chat_model: ChatModel, tmp_path: Path, decoding: Decoding, lives: int
) -> None:
    prompts = [*some_prompts(26), *some_prompts(3)]
    whole = Mortal(tiny_chat_model, 4)
    whole.lives = 9
    answers = journaled(whole, tmp_path / "whole").generate(prompts, decoding)
    assert whole.lives == 9 - 4  # 29 prompts, 8 in a chunk

    mortal = Mortal(tiny_chat_model, 4)
    mortal.lives = lives
    if lives < 4:
        with pytest.raises(Killed):
            journaled(mortal, tmp_path / "ended").generate(prompts, decoding)
    else:
        journaled(mortal, tmp_path / "ended").generate(prompts, decoding)
    kept = mortal.asked
    mortal.lives, mortal.asked, events = 9, 0, list[Event]()
    assert journaled(mortal, tmp_path / "ended", events).generate(prompts, decoding) == answers
    assert mortal.asked == len(prompts) - kept
    notes = [event.note for event in events if isinstance(event, StageEvent)]
    assert notes == ([f"going on: {kept} of 29 answers were there"] if lives else [])
    assert (tmp_path / "ended" / FILE).read_bytes() == (tmp_path / "whole" / FILE).read_bytes()


def test_a_list_of_usual_length_is_answered_as_if_there_were_no_journal(
    tiny: HuggingFaceGenerator, tmp_path: Path
) -> None:
    prompts = some_prompts(11)
    for decoding in (Decoding(9), SAMPLED):
        assert journaled(tiny, tmp_path).generate(prompts, decoding) == tiny.generate(
            prompts, decoding
        )


def test_answers_of_another_decoding_are_not_used(tmp_path: Path) -> None:
    inner = ScriptedGenerator(str.upper)
    for decoding in (Decoding(9), Decoding(8), Decoding(9, 1.0, 1), Decoding(9, 1.0, 2)):
        journaled(inner, tmp_path).generate([inner.tokenizer.encode("a")], decoding)
    journaled(inner, tmp_path).generate([inner.tokenizer.encode("a")], Decoding(9, 0.0, 5))
    assert len(inner.calls) == 4


@pytest.mark.parametrize("decoding", [Decoding(99), Decoding(99, 1.0, 1)])
def test_answers_that_do_not_depend_on_each_other_are_kept_one_by_one(
    tmp_path: Path, decoding: Decoding
) -> None:
    def afraid(prompt: str) -> str:
        if prompt == "c":
            raise Killed
        return prompt.upper()

    prompts = [tuple(map(ord, text)) for text in "abcdda"]
    generator: Generator = Alone(afraid)
    assert isinstance(generator, Independent)
    with pytest.raises(Killed):
        journaled(generator, tmp_path).generate(prompts, decoding)
    brave, events = Alone(str.upper), list[Event]()
    found = journaled(brave, tmp_path, events).generate(prompts, decoding)
    assert [one.text for one in found] == list("ABCDDA")
    second = 1 if decoding.temperature == 0 else 2
    assert [one.token_ids[-1] for one in found] == [1, 1, 1, 1, second, second]
    assert [texts for texts, _ in brave.calls] == [["c"], ["b"], ["a"]]
    assert len(events) == 1
    brave.calls.clear()
    assert journaled(brave, tmp_path).generate(prompts, decoding) == found
    assert brave.calls == []


def test_choices_scored_in_part_are_scored_on_to_the_same_bits(
    tiny: HuggingFaceGenerator, tmp_path: Path
) -> None:
    contexts = some_prompts(140)
    rows = list(zip(contexts, reversed(contexts), strict=True))
    alone = tiny.loglikelihoods(rows)
    assert journaled(tiny, tmp_path).loglikelihoods(rows) == alone
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    assert len(lines) == 1 + 3  # 64 rows a line
    (tmp_path / FILE).write_bytes(b"".join(lines[:2]) + lines[2][:100])
    seen, events = list[float](), list[Event]()
    tiny.on_progress = seen.append
    assert journaled(tiny, tmp_path, events).loglikelihoods(rows) == alone
    assert seen == [pytest.approx(128 / 140), 1.0]
    assert [event.note for event in events if isinstance(event, StageEvent)] == [
        "going on: 64 of 140 choices were there"
    ]


def test_who_cannot_score_choices_still_cannot(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="this model cannot score choices"):
        journaled(ScriptedGenerator(str.upper), tmp_path).loglikelihoods([((1,), (2,))])


def test_progress_is_that_of_the_whole_list(tiny_chat_model: ChatModel, tmp_path: Path) -> None:
    seen: list[float] = []
    generator = HuggingFaceGenerator(tiny_chat_model, 4, seen.append)
    journaled(generator, tmp_path).generate(some_prompts(26), Decoding(5))
    assert seen == sorted(seen)
    assert len(seen) == 26
    assert seen[-1] == 1.0
    with narrowed(journaled(generator, tmp_path / "other"), 0.5, 1.0):
        seen.clear()
        journaled(generator, tmp_path / "other").generate(some_prompts(26), Decoding(5))
    assert (min(seen) > 0.5, max(seen)) == (True, 1.0)
    generator.generate(some_prompts(2), Decoding(5))
    assert seen[-2] == 0.5


def test_it_speaks_the_protocol_for_its_generator(
    tiny: HuggingFaceGenerator, tmp_path: Path
) -> None:
    generator: Generator = journaled(tiny, tmp_path)
    assert isinstance(generator, Generator)
    assert generator.identity == tiny.identity
    assert generator.tokenizer is tiny.tokenizer


def test_answers_that_an_earlier_version_kept_half_done_are_not_paid_for_again(
    tmp_path: Path,
) -> None:
    generator = Alone(lambda prompt: pytest.fail("asked again"))
    # as 0.1.0 wrote it: the key of prompt (104, 105), greedy, 12 new tokens, and the answer's list
    key = digest(["answer", [12, 0.0, 0], 0, [104, 105]])
    Journal(tmp_path, {"of": "this"}).put({key: [[79, 75, 0], "OK", True, "", None]})
    (answer,) = journaled(generator, tmp_path).generate([(104, 105)], Decoding(12))
    assert answer == Generation((79, 75, 0), "OK", True)
