"""What a server is asked, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from harness.records import Message


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One answer wanted.

    Attributes:
        messages: The chat; the last turn is the user's.
        max_tokens: Tokens of the answer at most.
        temperature: 0 is greedy; None leaves it to the server (some models allow no other).
        seed: Of what is drawn; sent only where something is (``temperature`` above 0).
        top_logprobs: How many alternatives of each token are wanted with their log-probabilities.
        prefix: The beginning of the answer, for the model to continue. A server may take no notice
            of it: see ``harness.servers.continuing``.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float | None = 0.0
    seed: int | None = None
    top_logprobs: int | None = None
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class TextRequest:
    """A plain text to be continued, as no chat template touches it.

    Attributes:
        prompt: The text.
        max_tokens: New tokens at most.
        temperature: 0 is greedy.
        seed: As in ``ChatRequest``.
    """

    prompt: str
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = None


Request: TypeAlias = ChatRequest | TextRequest


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.

    Attributes:
        text: The answer, without the prefix.
        finished: False when the token limit (or a filter of the server's) cut it.
        num_tokens: Tokens generated, by the server's count; None where it gives none.
        model: The model that answered, as the server calls it.
        top_logprobs: Per token of the answer, log-probability by alternative; None where none were
            asked for or the server gave none.
        thoughts: What the model thought aloud, where the server keeps that apart.
        prompt_tokens: Tokens read, by the server's count.
        filtered: Whether a content filter of the server's cut it.
    """

    text: str
    finished: bool
    num_tokens: int | None
    model: str
    top_logprobs: tuple[Mapping[str, float], ...] | None = None
    thoughts: str = ""
    prompt_tokens: int | None = None
    filtered: bool = False
