"""A language model of three words small enough to compute by hand: the next word by the last."""

from types import SimpleNamespace

import torch
from torch import nn

from harness.records import Role, TokenRow

ROLES = {
    "p": Role.PROMPT,
    "t": Role.TRANSLATION,
    "r": Role.RATIONALE,
    "a": Role.REPLY,
    "u": Role.UNWANTED,
}


class Bigram(nn.Module):
    """P(. | 0) = 1/3 1/3 1/3, P(. | 1) = 1/2 1/4 1/4, P(. | 2) = 1/5 1/5 3/5."""

    def __init__(self) -> None:
        super().__init__()
        chances = torch.tensor([[1, 1, 1], [2, 1, 1], [1, 1, 3]], dtype=torch.float32)
        self.head = nn.Linear(3, 3, bias=False)
        self.head.weight.data = chances.log().T.contiguous()
        self.device = torch.device("cpu")

    def get_output_embeddings(self) -> nn.Linear:
        return self.head

    def forward(self, input_ids: torch.Tensor, use_cache: bool = False) -> SimpleNamespace:
        hidden_BTV = nn.functional.one_hot(input_ids, 3).float()
        return SimpleNamespace(logits=self.head(hidden_BTV))


def row(ids: str, roles: str, name: str = "row") -> TokenRow:
    """``row("0120", "pttr")``: a digit a token, a letter its role."""
    return TokenRow(name, tuple(map(int, ids)), tuple(ROLES[letter] for letter in roles))
