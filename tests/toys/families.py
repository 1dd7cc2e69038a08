"""Toy chat models of the architectures researchers tune: real classes, a few thousand weights.

Each has what makes its family awkward: Llama no padding token and a forced beginning of text;
Mistral a tokenizer that puts a blank before every text, no system turn, a sliding window; Qwen
thoughts and more rows of embeddings than tokens; Gemma tied embeddings, windows in every other
layer, a line break that joins the next. Untrained, so what they say is noise.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import torch
from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    pre_tokenizers,
    trainers,
)
from tokenizers.processors import TemplateProcessing
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    Gemma3Config,
    Gemma3ForConditionalGeneration,
    PreTrainedTokenizerFast,
)

from tests.toys.templates import DATED, HEADERS, INSTRUCTIONS, MODEL_TURNS, PARTS, THOUGHTS

_TEXT = (
    "Translate from English to German: the quick brown fox jumps over the lazy dog\n\n"
    "Der schnelle braune Fuchs springt über den faulen Hund\n\n"
    "The dog is in the house. Der Hund ist in dem Haus.\n\n\n"
) * 4
_NUM_TOKENS = 420
_ROWS_OF = 64
"""Embeddings have a multiple of so many rows, as the real ones have, for the accelerator's sake."""
_WINDOW = 16


@dataclass(frozen=True)
class Family:
    """What a family of models is made of.

    Attributes:
        architecture: As transformers calls it.
        config: What its configuration has beside the common sizes.
        pieces: How its tokenizer cuts text: ``bytes``; ``blank first``, a blank put before every
            text; ``blanks``, none put.
        specials: Tokens with a meaning: those that have a name for the tokenizer, then others.
        plain: Tokens that text is never cut in, but which are shown in decoded text.
        template: Its chat template.
        ends: Tokens that end generation.
    """

    architecture: str
    config: Mapping[str, Any]
    pieces: Literal["bytes", "blank first", "blanks"]
    specials: Mapping[str, str]
    template: str
    ends: tuple[str, ...]
    plain: tuple[str, ...] = ()


_LLAMA = {
    "bos_token": "<|begin_of_text|>",
    "eos_token": "<|end_of_text|>",
    "header": "<|start_header_id|>",
    "header_end": "<|end_header_id|>",
    "turn_end": "<|eot_id|>",
}
_MISTRAL = {
    "unk_token": "<unk>",
    "bos_token": "<s>",
    "eos_token": "</s>",
    "user": "[INST]",
    "user_end": "[/INST]",
}
_QWEN = {"pad_token": "<|endoftext|>", "turn": "<|im_start|>", "eos_token": "<|im_end|>"}
_GEMMA = {
    "pad_token": "<pad>",
    "eos_token": "<eos>",
    "bos_token": "<bos>",
    "unk_token": "<unk>",
    "turn": "<start_of_turn>",
    "turn_end": "<end_of_turn>",
}
_NO_DROPOUT = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
_WINDOWED = {
    "sliding_window": _WINDOW,
    "layer_types": ["sliding_attention", "full_attention"],
    "query_pre_attn_scalar": 8,
    "head_dim": 8,
    "tie_word_embeddings": True,
}

FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "llama": Family("llama", {}, "bytes", _LLAMA, HEADERS, ("<|end_of_text|>", "<|eot_id|>")),
        "mistral": Family(
            "mistral",
            {"sliding_window": _WINDOW},
            "blank first",
            _MISTRAL,
            INSTRUCTIONS,
            ("</s>",),
        ),
        "qwen2": Family(
            "qwen2",
            {"tie_word_embeddings": True},
            "bytes",
            _QWEN,
            THOUGHTS,
            ("<|im_end|>", "<|endoftext|>"),
            ("<think>", "</think>"),
        ),
        "qwen3": Family(
            "qwen3",
            {"tie_word_embeddings": True, "head_dim": 8},
            "bytes",
            _QWEN,
            THOUGHTS,
            ("<|im_end|>", "<|endoftext|>"),
            ("<think>", "</think>"),
        ),
        "gemma2": Family(
            "gemma2", _WINDOWED, "blanks", _GEMMA, MODEL_TURNS, ("<eos>", "<end_of_turn>")
        ),
        "gemma3": Family(
            "gemma3_text", _WINDOWED, "blanks", _GEMMA, MODEL_TURNS, ("<eos>", "<end_of_turn>")
        ),
    }
)
"""By name; four families, two of them in two generations."""


def _network(architecture: str, **config: Any) -> Family:
    """A kind of network behind Llama's tokenizer and template."""
    ends = ("<|end_of_text|>", "<|eot_id|>")
    return Family(architecture, config, "bytes", _LLAMA, HEADERS, ends)


NETWORKS: Mapping[str, Family] = MappingProxyType(
    {
        "phi3, fused": _network("phi3", sliding_window=None),
        "gpt_neox, fused, partly rotary": _network("gpt_neox", rotary_pct=0.5),
        "gpt2, turned, tied": _network("gpt2", max_position_embeddings=256, **_NO_DROPOUT),
        "bloom, alibi": _network("bloom", hidden_dropout=0.0, attention_dropout=0.0),
        "opt, learned positions": _network(
            "opt", ffn_dim=64, word_embed_proj_dim=32, dropout=0.0, max_position_embeddings=256
        ),
        "mixtral, experts": _network("mixtral", num_local_experts=4, num_experts_per_tok=2),
        "qwen3_moe, experts": _network(
            "qwen3_moe", num_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, head_dim=8
        ),
        "qwen2_moe, shared expert": _network(
            "qwen2_moe",
            num_experts=4,
            num_experts_per_tok=2,
            moe_intermediate_size=24,
            shared_expert_intermediate_size=32,
        ),
        "gpt_oss, turned experts": _network(
            "gpt_oss", num_local_experts=4, num_experts_per_tok=2, head_dim=8
        ),
        "cohere, scaled logits": _network("cohere", logit_scale=0.25),
        "olmo2, norms behind": _network("olmo2"),
        "llama, content in parts": replace(_network("llama"), template=PARTS),
        "llama, with a date": replace(_network("llama"), template=DATED),
        "gemma3, with pictures": replace(FAMILIES["gemma3"], architecture="gemma3", config={}),
        "stablelm, biased": _network("stablelm", use_qkv_bias=True, partial_rotary_factor=0.5),
    }
)
"""Kinds of networks by name, and what is awkward about each."""
_TOYS: Mapping[str, Family] = MappingProxyType({**FAMILIES, **NETWORKS})


def toy_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a family, byte-pair encoding learnt from a few sentences."""
    family = _TOYS[name]
    cuts_bytes = family.pieces == "bytes"
    tokenizer = Tokenizer(
        models.BPE(byte_fallback=not cuts_bytes, unk_token=None if cuts_bytes else "<unk>")
    )
    pieces: Any
    words = pre_tokenizers.Split(Regex(r"\n+| ?[^\s]+|\s"), "isolated")
    scheme = "first" if family.pieces == "blank first" else "never"
    if cuts_bytes:
        pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.decoder = decoders.ByteLevel()
    else:
        pieces = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
        ends = [decoders.Strip(" ", 1, 0)] if scheme == "first" else []
        tokenizer.decoder = decoders.Sequence(
            [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), *ends]
        )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pieces])
    tokenizer.train_from_iterator(
        [_TEXT],
        trainers.BpeTrainer(
            vocab_size=_NUM_TOKENS,
            special_tokens=list(family.specials.values()),
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if cuts_bytes else [],
            show_progress=False,
        ),
    )
    if not cuts_bytes:
        tokenizer.pre_tokenizer = pieces
        tokenizer = _with_bytes(tokenizer)
    tokenizer.add_tokens([AddedToken(token, special=False) for token in family.plain])
    return _wrapped(family, tokenizer)


def _with_bytes(tokenizer: Tokenizer) -> Tokenizer:
    """With a token for every byte, for characters that have none."""
    plain = json.loads(tokenizer.to_str())
    vocabulary = plain["model"]["vocab"]
    vocabulary |= {f"<0x{byte:02X}>": len(vocabulary) + byte for byte in range(256)}
    return Tokenizer.from_str(json.dumps(plain))


def _wrapped(family: Family, tokenizer: Tokenizer) -> PreTrainedTokenizerFast:
    begin = family.specials.get("bos_token")
    if begin is not None:  # as the real ones do: a chat that has it already must not get two
        tokenizer.post_processor = TemplateProcessing(
            single=f"{begin} $A", special_tokens=[(begin, tokenizer.token_to_id(begin))]
        )
    named = {key: token for key, token in family.specials.items() if key.endswith("_token")}
    others = [token for token in family.specials.values() if token not in named.values()]
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **named,
        additional_special_tokens=others,
        chat_template=family.template,
        clean_up_tokenization_spaces=False,
    )


def save_toy(folder: Path, name: str, seed: int = 0) -> Path:
    """Writes the toy chat model of a family as a Hugging Face folder.

    Args:
        folder: Gets it.
        name: One of ``FAMILIES`` or ``NETWORKS``.
        seed: Its weights are drawn from it; the global stream is left alone.
    """
    family = _TOYS[name]
    tokenizer = toy_tokenizer(name)
    rows = -(-len(tokenizer) // _ROWS_OF) * _ROWS_OF
    if family.architecture == "gemma3":
        return _with_pictures(folder, tokenizer, rows, seed)
    config = AutoConfig.for_model(
        family.architecture,
        vocab_size=rows,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.convert_tokens_to_ids(family.ends[0]),
        pad_token_id=tokenizer.pad_token_id,
        initializer_range=0.2,  # wide enough that greedy paths are stable
        **{"max_position_embeddings": 2048, **family.config},
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForCausalLM.from_config(config)
    return _saved(folder, model, tokenizer, family)


def _with_pictures(folder: Path, tokenizer: Any, rows: int, seed: int) -> Path:
    """A Gemma 3 that reads pictures as well."""
    text = {
        "vocab_size": rows, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8, "initializer_range": 0.2,
        "sliding_window": _WINDOW, "query_pre_attn_scalar": 8, "max_position_embeddings": 2048,
        "pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id,
    }  # fmt: skip
    vision = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "image_size": 16, "patch_size": 8,
    }  # fmt: skip
    config = Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4, image_token_index=rows - 1
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Gemma3ForConditionalGeneration(config)
    return _saved(folder, model, tokenizer, FAMILIES["gemma3"])


def _saved(folder: Path, model: Any, tokenizer: Any, family: Family) -> Path:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    ends = [tokenizer.convert_tokens_to_ids(token) for token in family.ends]
    (folder / "generation_config.json").write_text(
        json.dumps({"bos_token_id": tokenizer.bos_token_id, "eos_token_id": ends}), encoding="utf-8"
    )
    return folder
