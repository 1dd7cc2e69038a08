"""Which model is tuned, how it is loaded, and the low-rank adapter trained on it."""

import re
from datetime import date
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from harness.languages.tags import LanguageTag
from harness.models.thoughts import Thoughts
from harness.settings.spec import LocalPath, Spec

REGEX = "re:"
"""What a regular expression among names of layers begins with."""
_ALL = "all-linear"


def is_pattern(name: str) -> bool:
    """Whether a name of layers is a pattern, which may fit several.

    >>> is_pattern("*.mlp.*"), is_pattern("re:.*mlp.*"), is_pattern("q_proj")
    (True, True, False)
    """
    return name.startswith(REGEX) or any(mark in name for mark in "*?[")


def _off(value: object) -> bool:
    # Left out where it is off: what was made before there was such a setting is found again.
    return not value


class ModelSpec(Spec):
    """A chat model in a Hugging Face folder: weights (safetensors), tokenizer, chat template."""

    path: LocalPath
    """Folder of the model, or a hub id; relative to the file that names it."""

    adapter: LocalPath | None = None
    """Folder of a PEFT adapter to put on it; training then continues from the two merged."""

    revision: str | None = None
    """Commit, tag or branch of a hub model; None takes its main branch. The commit that was used is
    logged with the run: give it here and the model stays what it was."""

    chat_template: LocalPath | None = Field(default=None, exclude_if=_off)
    """File with a chat template (Jinja), in place of the model's own or where it has none."""

    chat_date: date | None = Field(default=None, exclude_if=_off)
    """The day on which chats take place, `2026-11-30`, for a template that writes the date: no
    prompt changes overnight. None for the date in the template, or 2024-07-26."""

    thoughts: Thoughts = Field(default=None, exclude_if=_off)
    """What opens and what closes thoughts before an answer, `[<plan>, </plan>]`, which are no part
    of it; `off` cuts nothing off. None for the marks in use, where the chat template knows any."""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Precision of the frozen weights; adapters and optimiser are always float32. float16 is for
    scoring on older accelerators: gradients may vanish in it."""

    quantise: Literal["nf4", "fp4", "int8"] | None = Field(default=None, exclude_if=_off)
    """Frozen weights in 4 bits (nf4: QLoRA, Dettmers et al. 2023, 2305.14314) or 8, computing in
    `dtype`; needs bitsandbytes: `pip install 'mt-tuning-harness[quantise]'`."""

    attention: Literal["eager", "sdpa", "flash_attention_2", "flex_attention"] | None = Field(
        default=None, exclude_if=_off
    )
    """How attention is computed, by its name in transformers; None for its choice (sdpa)."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs; `auto` takes an accelerator when there is one."""

    device_map: Literal["auto", "balanced", "balanced_low_0", "sequential"] | None = Field(
        default=None, exclude_if=_off
    )
    """How the layers of one model are spread over several accelerators, by accelerate; None keeps
    all on one."""

    trust_remote_code: bool = False
    """Whether Python files of the model folder may run; only for models you trust."""

    allow_pickle: bool = Field(default=False, exclude_if=_off)
    """Whether weights may be read from pytorch_model*.bin where there are no safetensors; nothing
    but tensors is unpickled (torch.load with weights_only)."""

    threads: int = Field(default=1, ge=1, le=1024)
    """CPU threads of one trial; workers of one thread each beat one worker of many."""

    @field_validator("thoughts", mode="before")
    @classmethod
    def _off_in_yaml(cls, value: Any) -> Any:
        return "off" if value is False else value

    @field_validator("thoughts")
    @classmethod
    def _two_marks(cls, value: Thoughts) -> Thoughts:
        if isinstance(value, tuple) and (value[0] == value[1] or not all(map(str.strip, value))):
            raise ValueError(f"found {list(value)}, allowed two marks that differ, or off")
        return value

    @model_validator(mode="after")
    def _one_place(self) -> "ModelSpec":
        if self.device_map is not None and self.device == "cpu":
            raise ValueError("device_map spreads over accelerators, found device 'cpu'")
        return self


class VocabularySpec(Spec):
    """Tokens added to the tokenizer for a language, learnt from `data.monolingual`."""

    tokens: int = Field(ge=1, le=2**20)
    """How many at most; pairs that meet only once become none."""

    language: LanguageTag | None = None
    """Which of the texts to learn them from; None for all."""


class LoraSpec(Spec):
    """A low-rank adapter (Hu et al. 2022, 2106.09685): dW = scale * B A on chosen layers."""

    rank: int = Field(default=16, ge=1, le=4096)
    """Rank of the update; more rank learns more and forgets more."""

    alpha: float = Field(default=32.0, gt=0, allow_inf_nan=False)
    """The update is scaled by alpha / rank (alpha / sqrt(rank) with `rslora`)."""

    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout on the adapter's input."""

    target_modules: Literal["all-linear"] | tuple[str, ...] = "all-linear"
    """Layers that get an adapter: `all-linear`, every one of the text but the head, and experts
    whose weights are parameters where PEFT knows them (Mixtral, Qwen 3 MoE, OLMoE, DeepSeek V3; of
    Qwen 2 MoE and gpt-oss all but these); names such as `q_proj`; patterns of whole names such as
    `model.layers.1?.mlp.*`; or after `re:` regular expressions. The log says which."""

    rslora: bool = False
    """Rank-stabilised scaling (Kalajdzievski 2023, 2312.03732)."""

    dora: bool = False
    """Weight-decomposed adapter (Liu et al. 2024, 2402.09353); slower."""

    embeddings: bool = Field(default=False, exclude_if=_off)
    """Train every row of the embeddings too, and of the head (PEFT's trainable tokens): for a
    language or for tags the model hardly knows. A copy of both is in memory and in the adapter."""

    vocabulary: VocabularySpec | None = Field(default=None, exclude_if=_off)
    """Tokens to add for a language, `{tokens: 500, language: de}`; their rows are trained, and the
    tokenizer is saved beside the adapter. None for none."""

    @field_validator("target_modules", mode="before")
    @classmethod
    def _one_or_more(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) and value != _ALL else value

    @field_validator("target_modules")
    @classmethod
    def _some_modules(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(value, tuple):
            if not value:
                raise ValueError("found no name, allowed 'all-linear' or at least one layer name")
            if _ALL in value and len(value) > 1:
                raise ValueError("found 'all-linear' beside names, allowed one or the others")
            for name in value:
                try:
                    re.compile(name.removeprefix(REGEX) if name.startswith(REGEX) else "")
                except re.error as error:
                    raise ValueError(f"found {name!r}, no regular expression: {error}") from None
            return _ALL if value == (_ALL,) else tuple(sorted(set(value)))
        return value
