from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.models.generation.chunks import ChunkRule
from harness.models.generation.completions import StoredGenerator, completions_stage
from harness.models.generation.generate import HuggingFaceGenerator, generator_identity
from harness.models.identity import model_identity
from harness.models.load import load_chat_model
from harness.models.spec import ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.protocols import Generator
from harness.records import Decoding, Generation, StageEvent, TokenIds
from harness.storage.store import Store
from tests.fakes import ScriptedGenerator

EACH = ChunkRule(tokens=1, batches=1)


class Together(ScriptedGenerator):
    """One whose answers depend on what shares a batch; one prompt does here."""

    def __init__(self, script: Callable[[str], str]) -> None:
        super().__init__(script, {"batch_size": 1})


class Single(Together):
    """One whose answers do not."""

    def answer_each(
        self,
        prompts: Sequence[TokenIds],
        decoding: Decoding,
        places: Sequence[int],
        on_answer: Callable[[int, Generation], None],
    ) -> None:
        for place in places:
            (answer,) = self.generate([prompts[place]], decoding)
            on_answer(place, answer)


def never() -> Any:
    raise AssertionError("loaded, though everything was there")


def stored(inner: ScriptedGenerator, store: Store, **changes: Any) -> StoredGenerator:
    settings = {"identity": inner.identity, "load": lambda: inner, **changes}
    return StoredGenerator(tokenizer=never, store=store, **settings)


def test_what_was_said_once_is_read_without_loading_the_model(tmp_path: Path) -> None:
    inner, store = ScriptedGenerator(lambda prompt: f"{prompt} ünd {'x' * 9}"), Store(tmp_path)
    prompts = [inner.tokenizer.encode("a"), inner.tokenizer.encode("b")]
    first = stored(inner, store).generate(prompts, Decoding(9))
    again = stored(inner, store, load=never).generate(prompts, Decoding(9))
    assert again == first == inner.generate(prompts, Decoding(9))


@pytest.mark.parametrize(
    ("decoding", "calls"), [(Decoding(9, 0.0, 2), 1), (Decoding(9, 1.0, 2), 2), (Decoding(8), 2)]
)
def test_only_what_changes_the_text_changes_its_key(
    tmp_path: Path, decoding: Decoding, calls: int
) -> None:
    inner = ScriptedGenerator(str.upper)
    generator = stored(inner, Store(tmp_path))
    generator.generate([inner.tokenizer.encode("a")], Decoding(9, 0.0, 1))
    generator.generate([inner.tokenizer.encode("a")], decoding)
    assert len(inner.calls) == calls


def test_only_sampled_copies_of_a_prompt_have_a_key_of_their_own_kind() -> None:
    def parts(prompts: list[tuple[int, ...]], temperature: float) -> Any:
        return completions_stage({}, prompts, Decoding(9, temperature, 1)).identity["decoding"]

    assert "copies" in parts([(1,), (1,)], 1.0)
    assert "copies" not in parts([(1,), (2,)], 1.0)
    assert "copies" not in parts([(1,), (1,)], 0.0)


def test_another_model_has_completions_of_its_own(tmp_path: Path) -> None:
    inner, store = ScriptedGenerator(str.upper), Store(tmp_path)
    stored(inner, store).generate([inner.tokenizer.encode("a")], Decoding(9))
    stored(inner, store, identity={"model": "other"}).generate(
        [inner.tokenizer.encode("a")], Decoding(9)
    )
    assert len(inner.calls) == 2


def test_events_say_whether_completions_were_made_or_reused(tmp_path: Path) -> None:
    inner, seen = ScriptedGenerator(str.upper), []
    generator = stored(inner, Store(tmp_path), on_event=seen.append)
    for _ in range(2):
        generator.generate([inner.tokenizer.encode("a")], Decoding(9))
    assert [event.state for event in seen if isinstance(event, StageEvent)] == [
        "started",
        "done",
        "reused",
    ]
    assert [built.reused for built in generator.built] == [False, True]


@pytest.mark.parametrize(("kind", "asked_again"), [(Single, ["b"]), (Together, ["a", "b"])])
def test_other_libraries_throw_away_only_answers_they_may_have_rounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Single], asked_again: list[str]
) -> None:
    prompts, store = [(97,), (98,)], Store(tmp_path)
    mortal = kind(lambda prompt: {"a": "A"}[prompt])
    with pytest.raises(KeyError, match="b"):
        stored(mortal, store, rule=EACH).generate(prompts, Decoding(9))
    versions = {"numpy": "99.0"}
    monkeypatch.setattr("harness.models.generation.journaled.library_versions", lambda: versions)
    inner = kind(str.upper)
    found = stored(inner, store, rule=EACH).generate(prompts, Decoding(9))
    assert [one.text for one in found] == ["A", "B"]
    assert [prompt for texts, _ in inner.calls for prompt in texts] == asked_again


def test_no_prompts_need_no_stage(tmp_path: Path) -> None:
    assert (
        stored(ScriptedGenerator(str), Store(tmp_path), load=never).generate([], Decoding(1)) == []
    )


def test_the_identity_is_known_before_the_model_is_loaded(
    tiny_model_dir: Path, tmp_path: Path
) -> None:
    spec = ModelSpec(path=str(tiny_model_dir), device="cpu")
    generator = StoredGenerator(
        generator_identity(model_identity(spec), 4),
        lambda: load_tokenizer(spec),
        lambda: HuggingFaceGenerator(load_chat_model(spec), 4),
        Store(tmp_path),
    )
    assert isinstance(generator, Generator)
    assert generator.identity == HuggingFaceGenerator(load_chat_model(spec), 4).identity
    prompt = generator.tokenizer.encode("Grüß")
    (generation,) = generator.generate([prompt], Decoding(3))
    assert len(generation.token_ids) <= 3
