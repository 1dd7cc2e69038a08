"""A tiny real chat model made from code: byte-level tokenizer, two Llama layers, seeded.

For tests and for trying things: it goes wherever a 7B model goes, in milliseconds, and has nothing
to say.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """Bytes as tokens, five special tokens, a chat template; any text round-trips."""
    specials = (PAD, END, *ROLES)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate((*specials, *alphabet))}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in specials])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def tiny_model(
    seed: int = 0, *, hidden_size: int = 32, num_layers: int = 2, vocabulary: int = 261
) -> LlamaForCausalLM:
    """An untrained Llama with weights drawn from ``seed``; the global stream is left alone."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden_size,
        intermediate_size=2 * hidden_size,
        num_hidden_layers=num_layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=0,
        # Wide enough that an untrained model prefers some token clearly: greedy paths are stable.
        initializer_range=0.2,
    )
    with _seeded(seed):
        return LlamaForCausalLM(config).eval()


def save_tiny(folder: Path, seed: int = 0, *, hidden_size: int = 32) -> Path:
    """Writes the tiny chat model as a Hugging Face folder."""
    tiny_model(seed, hidden_size=hidden_size).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
