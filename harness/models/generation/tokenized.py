"""The half of a generator that is its tokenizer's."""

from collections.abc import Sequence

from harness.models.tokenizer import ChatTokenizer
from harness.records import Generation, Message, TokenIds


class Tokenized:
    """Text and chats as token ids and back.

    Args:
        tokenizer: With its chat template.
    """

    def __init__(self, tokenizer: ChatTokenizer) -> None:
        self.tokenizer = tokenizer

    @property
    def vocabulary(self) -> str:
        """Hash of the tokenizer's tokens and their ids."""
        return self.tokenizer.vocabulary

    def encode(self, text: str) -> TokenIds:
        """Token ids of answer text that goes on behind other text, without special tokens."""
        return self.tokenizer.encode(text)

    def encode_answer(self, text: str) -> TokenIds:
        return self.tokenizer.encode_answer(text)

    def decode(self, token_ids: TokenIds) -> str:
        """The text of generated ids, special tokens left out."""
        return self.tokenizer.decode(token_ids)

    def encode_chat(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat up to where the answer begins."""
        return self.tokenizer.encode_chat(messages)

    def render_chat(self, messages: Sequence[Message]) -> str:
        """The chat as text, up to where the answer begins."""
        return self.tokenizer.render_chat(messages)

    def encode_user_turn(self, messages: Sequence[Message]) -> TokenIds:
        """Token ids of a chat and the start of a user's turn."""
        return self.tokenizer.encode_user_turn(messages)

    def encode_start(self) -> TokenIds:
        return self.tokenizer.encode_start()

    def generation(self, token_ids: TokenIds) -> Generation:
        """An answer from its ids, with what was thought aloud apart."""
        thoughts, text = self.tokenizer.split_thoughts(self.tokenizer.decode(token_ids))
        finished = bool(token_ids) and token_ids[-1] in self.tokenizer.end_ids
        return Generation(token_ids, text, finished, thoughts)
