"""Stand-ins for what lies behind a seam of harness.protocols; nothing else is ever faked."""

from collections.abc import Callable, Mapping, Sequence

from harness.records import JSON, Decoding, Generation, Message, TokenIds

END, START = 0, 1


class CharacterTokenizer:
    """Characters as tokens, chats as "<user>Hi<assistant>"."""

    def __init__(self, vocabulary: str = "characters") -> None:
        self.vocabulary = vocabulary

    def encode(self, text: str) -> TokenIds:
        return tuple(map(ord, text))

    def encode_answer(self, text: str) -> TokenIds:
        return self.encode(text)

    def decode(self, token_ids: TokenIds) -> str:
        return "".join(chr(token) for token in token_ids if token not in (START, END))

    def without_end(self, token_ids: TokenIds) -> TokenIds:
        return token_ids[:-1]

    def render_chat(self, messages: Sequence[Message]) -> str:
        turns = [f"<{message.role}>{message.content}" for message in messages]
        return "".join([*turns, "<assistant>"])

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        return self.encode(self.render_chat(messages))

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        return self.encode(self.render_chat(messages).removesuffix("<assistant>") + "<user>")

    def encode_start(self) -> TokenIds:
        return (START,)


class ScriptedGenerator:
    """A generator whose tokens are characters and whose answers come from a function of the prompt.

    Args:
        script: From the whole prompt as text to what follows it.
        identity: What tells it from another generator.
        vocabulary: Another one's for a generator whose token ids mean something else.

    Every call of ``generate`` is kept in ``calls`` as (prompts as text, decoding).
    """

    def __init__(
        self,
        script: Callable[[str], str],
        identity: Mapping[str, JSON] | None = None,
        vocabulary: str = "characters",
    ) -> None:
        self.script = script
        self.tokenizer = CharacterTokenizer(vocabulary)
        self.identity = dict(identity or {"model": "scripted"})
        self.calls: list[tuple[list[str], Decoding]] = []

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        texts = ["".join(map(chr, prompt)) for prompt in prompts]
        self.calls.append((texts, decoding))
        return [self._answer(self.script(text), decoding.max_new_tokens) for text in texts]

    def _answer(self, text: str, max_new_tokens: int) -> Generation:
        ids = (*self.tokenizer.encode(text), END)
        if len(ids) > max_new_tokens:
            return Generation(ids[:max_new_tokens], text[:max_new_tokens], False)
        return Generation(ids, text, True)


class FixedPrompt:
    """The translation request "<source_lang>><target_lang>: source"."""

    def messages(self, source: str, source_lang: str, target_lang: str) -> tuple[Message, ...]:
        return (Message("user", f"{source_lang}>{target_lang}: {source}"),)
