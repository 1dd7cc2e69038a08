"""A model's tokenizer as the harness uses it: chats in, token ids out, and where a turn ends.

A prompt is always tokenised alone, as the model will read it when it answers. An answer is
tokenised as what comes behind it, never together with it: tokens that would merge over the boundary
do not, and every token has the role of one side.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from transformers import AutoTokenizer

from harness.errors import ConfigError
from harness.models.chat_template import MARK, ChatTemplate
from harness.models.folder import chat_template, model_folder, read_json
from harness.models.spec import ModelSpec
from harness.models.thoughts import Thoughts, closed, is_mark, split_thoughts, thinking
from harness.records import Generation, Message, Role, TokenIds
from harness.settings.spec import digest

TOKENIZER_FILE = "tokenizer.json"
"""Beside an adapter that brought tokens of its own, as in a model's folder."""

_SAY_THE_END = ("generation_config.json", "config.json")
"""Files that may list the tokens that end generation; what the first says goes."""
_ANCHORS = ("\n", ".", "x")
"""Texts to put before one that goes on, where a tokenizer begins every text with a blank."""
_BLANKS = ("▁", "Ġ")


class ChatTokenizer:
    """Text to token ids and back, without special tokens unless the chat template writes them.

    Args:
        tokenizer: A Hugging Face tokenizer with a chat template.
        end_ids: Further tokens that end generation (of the generation configuration).
        chat_date: On which chats take place, where the template writes a date.
        thoughts: What marks thoughts; None for the marks in use, where the template knows any.
    """

    def __init__(
        self,
        tokenizer: Any,
        end_ids: Sequence[int] = (),
        chat_date: date | None = None,
        thoughts: Thoughts = None,
    ) -> None:
        self.tokenizer = tokenizer
        own = () if tokenizer.eos_token_id is None else (int(tokenizer.eos_token_id),)
        self._stops: TokenIds = tuple(dict.fromkeys((*own, *end_ids)))
        # A prompt is rendered to be shown, to be trained on and to be answered.
        self._rendered = lru_cache(maxsize=2**14)(self._render)
        template = tokenizer.chat_template or ""
        source = template.get("default", "") if isinstance(template, dict) else str(template)
        self.chat_date = chat_date
        self.template = ChatTemplate(source, self._written, chat_date)
        self.thoughts = thoughts
        self.thinks = thoughts is not None or thinking(source) is not None
        """Whether its model may think aloud before it answers."""

    def with_tokens(self, tokenizer: Any) -> "ChatTokenizer":
        """The same with a tokenizer that has more tokens."""
        return ChatTokenizer(tokenizer, self.end_ids, self.chat_date, self.thoughts)

    def encode(self, text: str) -> TokenIds:
        """Token ids of text that goes on behind other text, no special token or blank put first."""
        if text and self._begins_with_blank:
            for anchor in _ANCHORS:
                lead, ids = self._ids(anchor), self._ids(anchor + text)
                if ids[: len(lead)] == lead:
                    return ids[len(lead) :]
        return self._ids(text)

    def encode_answer(self, text: str) -> TokenIds:
        """Token ids of the beginning of an answer: behind the blank some templates put there."""
        return self.encode(self.answer_text(text))

    def answer_text(self, text: str) -> str:
        """The beginning of an answer as it stands behind ``render_chat``."""
        return text if text[:1].isspace() else self.template.around[1] + text

    def encode_first(self, role: Role, text: str) -> TokenIds:
        """Token ids of what comes first behind a prompt: of a plain text, or of an answer."""
        return self._ids(text) if role is Role.TEXT else self.encode_answer(text)

    def render_chat(self, messages: Sequence[Message], *, answer_next: bool = True) -> str:
        """The chat as text, up to where the answer begins.

        Where the template has no system turn, its text begins the first turn of the user.

        Raises:
            ConfigError: The template refuses these turns.
        """
        return self._rendered(tuple(messages), answer_next)

    def render_plain(self, messages: Sequence[Message]) -> str:
        """``render_chat`` for somebody who tokenises it as a text of its own.

        The token that begins every text is left to them, where this tokenizer puts one.
        """
        text, begin = self.render_chat(messages), self.tokenizer.bos_token
        if not begin or not text.startswith(begin):
            return text
        puts_one = self.tokenizer("x")["input_ids"][0] == self.tokenizer.bos_token_id
        return text.removeprefix(begin) if puts_one else text

    def _render(self, messages: tuple[Message, ...], answer_next: bool) -> str:
        text = self.template.render(messages, answer_next)
        if not answer_next:
            return text
        shut = closed(text, self.thoughts)
        return shut if shut != text else text + self.template.around[0]

    def _written(self, turns: Sequence[Mapping[str, Any]], **options: Any) -> str:
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, **options))

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of ``render_chat``."""
        return self._ids(self.render_chat(messages))

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat and the start of one more turn of the user, up to its first word.

        A blank that the template writes before that word is left out: tokenizers join it to it.

        Raises:
            ConfigError: The template refuses these turns.
        """
        opened, _ = self.template.split((*messages, Message("user", MARK)))
        return self._ids(opened.rstrip(" "))

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

    def split_thoughts(self, text: str) -> tuple[str, str]:
        """What the model thought aloud, and what it answered."""
        return split_thoughts(text, self.thoughts) if self.thinks else ("", text)

    def generation(self, token_ids: TokenIds) -> Generation:
        """An answer from its ids, with what was thought aloud apart."""
        thoughts, text = self._split_ids(self.without_end(token_ids))
        finished = bool(token_ids) and token_ids[-1] in self.end_ids
        return Generation(token_ids, text, finished, thoughts)

    def _split_ids(self, ids: TokenIds) -> tuple[str, str]:
        """The same of an answer's ids, whose marks may be special tokens, which decoding drops."""
        special = [
            token for token in self.tokenizer.all_special_tokens if is_mark(token, self.thoughts)
        ]
        if self.thinks and special:
            whole = str(self.tokenizer.decode(list(ids), skip_special_tokens=False))
            thoughts, text = self.split_thoughts(whole)
            if thoughts:
                for token in self.tokenizer.all_special_tokens:
                    text = text.replace(token, "")
                return thoughts, text
        return self.split_thoughts(self.decode(ids))

    @cached_property
    def ending(self) -> TokenIds:
        """All that ends a turn: what the template writes behind an answer, up to the end token.

        Some families list an end of text as their eos and end their turns with another token; some
        do not list that one at all. Where nothing is written behind a last answer, an end that the
        model lists is looked for in what follows an answer in a chat that goes on.

        Raises:
            ConfigError: The tokenizer has no token that could end a turn.
        """
        last, more = (self.encode(text) for text in self.template.behind)
        added = set(self.tokenizer.added_tokens_decoder)
        for ids, ends in ((last, set(self._stops)), (last, added), (more, set(self._stops))):
            end = next((place for place, token in enumerate(ids) if token in ends), None)
            if end is not None:
                return ids[: end + 1]
        if not self._stops:
            raise ConfigError("the tokenizer has no eos token: set eos_token in its configuration")
        return self._stops[:1]

    @property
    def end_id(self) -> int:
        """The token this model ends its turn with.

        Raises:
            ConfigError: There is none.
        """
        return self.ending[-1]

    @cached_property
    def unusual_ending(self) -> TokenIds | None:
        """``ending``, unless it is one token that stands behind the last answer, or the eos."""
        plain = len(self.ending) == 1 and (
            self.ending[0] in self.encode(self.template.behind[0]) or self.ending == self._stops[:1]
        )
        return None if plain else self.ending

    def without_end(self, token_ids: TokenIds) -> TokenIds:
        """A finished answer without what ended it."""
        num_end = len(self.ending)
        if token_ids[-num_end:] == self.ending:
            return token_ids[:-num_end]
        return token_ids[:-1] if token_ids[-1:] and token_ids[-1] in self.end_ids else token_ids

    @cached_property
    def end_ids(self) -> tuple[int, ...]:
        """All tokens that end generation: those the model lists, and the one that ends its turn.

        Raises:
            ConfigError: The tokenizer has none.
        """
        return tuple(dict.fromkeys((*self._stops, self.end_id)))

    @cached_property
    def pad_id(self) -> int:
        """What short rows are filled with; masked everywhere, so any token will do."""
        pad = self.tokenizer.pad_token_id
        return self.end_ids[0] if pad is None else int(pad)

    def _ids(self, text: str) -> TokenIds:
        return tuple(self.tokenizer.encode(text, add_special_tokens=False))

    @cached_property
    def _begins_with_blank(self) -> bool:
        (first, *_) = self.tokenizer.convert_ids_to_tokens(self._ids("x"))
        return bool(first.startswith(_BLANKS))


def load_tokenizer(spec: ModelSpec) -> ChatTokenizer:
    """The tokenizer of a model folder, or of its adapter where that brought tokens of its own.

    Raises:
        ConfigError: Its files are missing, broken, or without a chat template.
    """
    tokenizer = tokenizer_of(model_folder(spec), spec)
    if spec.adapter is None or not (Path(spec.adapter) / TOKENIZER_FILE).is_file():
        return tokenizer
    own = tokenizer_in(Path(spec.adapter), template=spec.chat_template)
    return ChatTokenizer(own.tokenizer, tokenizer.end_ids, spec.chat_date, spec.thoughts)


def tokenizer_of(folder: Path, spec: ModelSpec) -> ChatTokenizer:
    """The tokenizer in the folder of a model, known to be whole, as the model is to be asked.

    Raises:
        ConfigError: It cannot be read.
    """
    return tokenizer_in(
        folder, spec.trust_remote_code, spec.chat_template, spec.chat_date, spec.thoughts
    )


def tokenizer_in(
    folder: Path,
    trust_remote_code: bool = False,
    template: str | None = None,
    chat_date: date | None = None,
    thoughts: Thoughts = None,
) -> ChatTokenizer:
    """The tokenizer in a folder known to be whole, with another chat template if a file is given.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code
        )
    except Exception as error:  # the libraries below raise whatever their parsers raise
        raise ConfigError(f"model.path: {folder}: the tokenizer cannot be read: {error}") from error
    if template is not None:
        tokenizer.chat_template = chat_template(folder, template)
    stops = [read_json(folder / name).get("eos_token_id") for name in _SAY_THE_END]
    ends: int | list[int] = next((ids for ids in stops if ids is not None), [])
    ends = ends if isinstance(ends, list) else [int(ends)]
    return ChatTokenizer(tokenizer, ends, chat_date, thoughts)
