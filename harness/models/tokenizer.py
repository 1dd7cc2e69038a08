"""A model's tokenizer as the harness uses it: chats in, token ids out, and where a turn ends."""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from harness.errors import ConfigError
from harness.models.folder import model_folder, read_json
from harness.models.spec import ModelSpec
from harness.records import Message, TokenIds
from harness.spec import digest

TOKENIZER_FILE = "tokenizer.json"
"""Beside an adapter that brought tokens of its own, as in a model's folder."""

_MARK = "XQXQ"
"""Stands for an answer when the chat template is asked what it writes behind one."""


class ChatTokenizer:
    """Text to token ids and back, without special tokens unless the chat template writes them.

    Args:
        tokenizer: A Hugging Face tokenizer with a chat template.
        end_ids: Further tokens that end generation (of the generation configuration).
    """

    def __init__(self, tokenizer: Any, end_ids: Sequence[int] = ()) -> None:
        self.tokenizer = tokenizer
        own = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
        self._stops = tuple(dict.fromkeys((*own, *end_ids)))
        # A prompt is rendered to be shown, to be trained on and to be answered.
        self._rendered = lru_cache(maxsize=2**14)(self._render)

    def encode(self, text: str) -> TokenIds:
        """Token ids of a stretch of answer text."""
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    def render_chat(self, messages: Sequence[Message], *, answer_next: bool = True) -> str:
        """The chat as text, up to where the answer begins.

        Raises:
            ConfigError: The template refuses these turns (some allow no system turn).
        """
        return self._rendered(tuple(messages), answer_next)

    def _render(self, messages: tuple[Message, ...], answer_next: bool) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        try:
            return str(
                self.tokenizer.apply_chat_template(
                    turns, tokenize=False, add_generation_prompt=answer_next
                )
            )
        except Exception as error:  # templates raise what they like, through jinja
            roles = ", ".join(message.role for message in messages)
            raise ConfigError(f"the chat template refuses the turns {roles}: {error}") from error

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of ``render_chat``."""
        return self.encode(self.render_chat(messages))

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat and the start of one more turn of the user, up to its first word.

        A blank that the template writes before that word is left out: tokenizers join it to it.

        Raises:
            ConfigError: The template refuses these turns.
        """
        opened = self.render_chat((*messages, Message("user", _MARK)), answer_next=False)
        return self.encode(opened.rpartition(_MARK)[0].rstrip(" "))

    def encode_start(self) -> TokenIds:
        """The token a text begins with, or the one that ends texts where there is none.

        Models without the former have seen the latter between texts in their pre-training.
        """
        begin = self.tokenizer.bos_token_id
        return (self.end_ids[0] if begin is None else int(begin),)

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of generated ids, special tokens left out."""
        return str(self.tokenizer.decode(list(token_ids), skip_special_tokens=True))

    @cached_property
    def vocabulary(self) -> str:
        """Hash of all tokens and their ids, added and special ones among them."""
        return digest(self.tokenizer.get_vocab())

    @cached_property
    def end_id(self) -> int:
        """The token this model ends its turn with, by what the template writes behind an answer.

        Some families list an end of text as their eos and end their turns with another token.
        """
        chat = (Message("user", "x"), Message("assistant", _MARK))
        tail = self.render_chat(chat, answer_next=False).rpartition(_MARK)[2]
        ending = next((token for token in self.encode(tail) if token in self.end_ids), None)
        return self._stops[0] if ending is None else ending

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """All tokens that end generation.

        Raises:
            ConfigError: The tokenizer has none.
        """
        if not self._stops:
            raise ConfigError("the tokenizer has no eos token: set eos_token in its configuration")
        return self._stops

    @cached_property
    def pad_id(self) -> int:
        """What short rows are filled with; masked everywhere, so any token will do."""
        pad = self.tokenizer.pad_token_id
        return self.end_ids[0] if pad is None else int(pad)


def load_tokenizer(spec: ModelSpec) -> ChatTokenizer:
    """The tokenizer of a model folder, or of its adapter where that brought tokens of its own.

    Raises:
        ConfigError: Its files are missing, broken, or without a chat template.
    """
    tokenizer = tokenizer_in(model_folder(spec), spec.trust_remote_code)
    if spec.adapter is None or not (Path(spec.adapter) / TOKENIZER_FILE).is_file():
        return tokenizer
    return ChatTokenizer(tokenizer_in(Path(spec.adapter)).tokenizer, tokenizer.end_ids)


def tokenizer_in(folder: Path, trust_remote_code: bool = False) -> ChatTokenizer:
    """The tokenizer in a folder known to be whole."""
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
    except Exception as error:  # the libraries below raise whatever their parsers raise
        raise ConfigError(f"model.path: {folder}: the tokenizer cannot be read: {error}") from error
    stops = read_json(folder / "generation_config.json").get("eos_token_id")
    return ChatTokenizer(tokenizer, _as_ids(stops))


def _as_ids(value: Any) -> tuple[int, ...]:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, list) else (int(value),)
