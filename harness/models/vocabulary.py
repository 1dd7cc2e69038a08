"""New tokens for a language: learnt from its text, added to a tokenizer, with rows of their own.

TransLLM's stage 0 (Geng et al., arXiv 2405.13923): a tokenizer that hardly knows a language cuts
its words into many pieces. Here byte-pair encoding (Sennrich et al. 2016, arXiv 1508.07909) is
learnt on from where the tokenizer stopped: pairs of its tokens that meet often in the text become
tokens, behind all it has. Its own merges keep their precedence, so text in which no new pair occurs
is encoded as before. The row of a new token, in embeddings and head, begins as the mean of the rows
of the tokens it stands for; the logits of all old tokens are then what they were.

The paper learns a vocabulary apart with SentencePiece and joins the two; the rows it begins with
are not said.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn

from harness.errors import ConfigError
from harness.models.chat_model import ChatModel, Extension
from harness.models.tokenizer import TOKENIZER_FILE, ChatTokenizer, tokenizer_in
from harness.records import TokenIds

_FIRST = 0x10000
"""Code points from here on stand for tokens while pairs of them are learnt."""
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
"""Stands for a byte wherever it is: nothing can be joined to it."""
_WORD_STARTS = ("▁", "Ġ")


@dataclass(frozen=True)
class NewTokens:
    """What to add to a tokenizer.

    Attributes:
        merges: Pairs of tokens to join, in order of precedence.
        parts: Per new token the ids of the old tokens it stands for.
    """

    merges: tuple[tuple[str, str], ...]
    parts: dict[str, TokenIds]


def learn_tokens(tokenizer: ChatTokenizer, texts: Iterable[str], count: int) -> NewTokens:
    """At most ``count`` new tokens, from pairs that meet at least twice within words.

    Only words with a letter count: numbers keep their digits.

    Raises:
        ConfigError: The tokenizer is not one of byte-pair encoding.
    """
    model = _backend(tokenizer)["model"]
    if model["type"] != "BPE":
        raise ConfigError(
            f"lora.vocabulary: the model's tokenizer is of type {model['type']}, allowed: BPE"
        )
    lines = [" ".join(_words(tokenizer, text)) for text in texts]
    seen = len(set().union(*lines) - {" "})
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    learner.train_from_iterator(
        lines,
        trainers.BpeTrainer(vocab_size=seen + count, min_frequency=2, show_progress=False),
    )
    learnt = json.loads(learner.to_str())["model"]["merges"]
    names = {number: name for name, number in tokenizer.tokenizer.get_vocab().items()}
    merges, parts = [], {}
    for first, second in (pair if isinstance(pair, list) else pair.split(" ") for pair in learnt):
        left, right = (_name(text, names) for text in (first, second))
        merges.append((left, right))
        if left + right not in model["vocab"]:
            parts[left + right] = tuple(ord(mark) - _FIRST for mark in first + second)
    return NewTokens(tuple(merges), parts)


def _name(marks: str, names: dict[int, str]) -> str:
    return "".join(names[ord(mark) - _FIRST] for mark in marks)


def _words(tokenizer: ChatTokenizer, text: str) -> Iterator[str]:
    """The words of a text that have a letter, a character for each token."""
    encoded = tokenizer.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    tokens, words = encoded.tokens(), encoded.word_ids()
    groups: list[list[int]] = []
    for at, token in enumerate(tokens):
        if at == 0 or words[at] != words[at - 1] or token.startswith(_WORD_STARTS):
            groups.append([])
        groups[-1].append(at)
    for group in groups:
        spans = [encoded["offset_mapping"][at] for at in group]
        has_letter = any(map(str.isalpha, text[spans[0][0] : spans[-1][1]]))
        if has_letter and not any(_BYTE.fullmatch(tokens[at]) for at in group):
            yield "".join(chr(_FIRST + encoded["input_ids"][at]) for at in group)


def add_tokens(chat_model: ChatModel, new: NewTokens) -> ChatModel:
    """The model with the new tokens, its own weights shared; ``remove_tokens`` takes them off."""
    first = chat_model.model.get_input_embeddings().weight.shape[0]
    ids = {token: first + place for place, token in enumerate(new.parts)}
    tokenizer = _with_tokens(chat_model.tokenizer, new.merges, ids)
    return _grown(chat_model, tokenizer, list(new.parts.values()))


def read_tokens(chat_model: ChatModel, folder: Path) -> ChatModel:
    """The model with the tokens of an adapter's folder, their rows still to be filled.

    The model as it is where the adapter brought none.
    """
    if not (folder / TOKENIZER_FILE).is_file():
        return chat_model
    old = chat_model.tokenizer
    tokenizer = old.with_tokens(tokenizer_in(folder).tokenizer)
    first = chat_model.model.get_input_embeddings().weight.shape[0]
    last = max(tokenizer.tokenizer.get_vocab().values())
    return _grown(chat_model, tokenizer, [(0,)] * max(0, last + 1 - first))


def write_tokens(chat_model: ChatModel, folder: Path) -> None:
    """Puts the tokenizer beside an adapter whose training added tokens to it."""
    if chat_model.extension is not None:
        chat_model.tokenizer.tokenizer.save_pretrained(folder)


def remove_tokens(chat_model: ChatModel) -> ChatModel:
    """The model as it was before tokens were added, its weights the very same."""
    extension = chat_model.extension
    if extension is None:
        return chat_model
    for layer, weight, bias in extension.layers:
        _set_rows(layer, weight, bias)
    chat_model.model.config.get_text_config(decoder=True).vocab_size = extension.vocab_size
    return replace(chat_model, tokenizer=extension.tokenizer, extension=None)


def _backend(tokenizer: ChatTokenizer) -> Any:
    backend = getattr(tokenizer.tokenizer, "backend_tokenizer", None)
    return {"model": {"type": "slow"}} if backend is None else json.loads(backend.to_str())


def _with_tokens(
    tokenizer: ChatTokenizer, merges: Sequence[tuple[str, str]], ids: dict[str, int]
) -> ChatTokenizer:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokenizer.tokenizer.save_pretrained(folder)
        file = folder / TOKENIZER_FILE
        backend = json.loads(file.read_text(encoding="utf-8"))
        backend["model"]["vocab"] |= ids
        backend["model"]["merges"] += [list(pair) for pair in merges]
        file.write_text(json.dumps(backend, ensure_ascii=False), encoding="utf-8")
        return tokenizer.with_tokens(tokenizer_in(folder).tokenizer)


def _grown(chat_model: ChatModel, tokenizer: ChatTokenizer, parts: Sequence[TokenIds]) -> ChatModel:
    """The model with a row more for each of ``parts``, the mean of theirs."""
    model = chat_model.model
    config = model.config.get_text_config(decoder=True)
    layers = [model.get_input_embeddings(), model.get_output_embeddings()]
    before = tuple((one, one.weight, getattr(one, "bias", None)) for one in layers)
    grown: dict[int, nn.Parameter] = {}  # by what it grew from: tied weights stay tied
    for layer, weight, bias in before:
        for rows in (weight, bias):
            if rows is not None and id(rows) not in grown:
                grown[id(rows)] = _with_means(rows, parts)
        _set_rows(layer, grown[id(weight)], None if bias is None else grown[id(bias)])
    extension = Extension(
        first=len(before[0][1]),
        layers=before,
        tokenizer=chat_model.tokenizer,
        vocab_size=config.vocab_size,
    )
    config.vocab_size = len(layers[0].weight)
    return replace(chat_model, tokenizer=tokenizer, extension=extension)


def _with_means(rows: nn.Parameter, parts: Sequence[TokenIds]) -> nn.Parameter:
    means = [rows[list(ids)].float().mean(0).to(rows) for ids in parts]
    with torch.no_grad():
        more = torch.stack(means) if means else rows[:0]
        return nn.Parameter(torch.cat([rows, more]), requires_grad=False)


def _set_rows(layer: Any, weight: nn.Parameter, bias: nn.Parameter | None) -> None:
    layer.weight = weight
    if bias is not None:
        layer.bias = bias
    for name in ("num_embeddings", "out_features"):
        if hasattr(layer, name):
            setattr(layer, name, len(weight))
