"""Which model is tuned, how it is loaded, and the low-rank adapter trained on it."""

from typing import Literal

from pydantic import Field, field_validator

from harness.spec import LocalPath, Spec


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
    """Commit of a hub model; None takes what the hub calls its main branch."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """Precision of the frozen weights; adapters and optimiser are always float32."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where it runs; `auto` takes an accelerator when there is one."""

    trust_remote_code: bool = False
    """Whether Python files of the model folder may run; only for models you trust."""

    threads: int = Field(default=1, ge=1, le=1024)
    """CPU threads of one trial; workers of one thread each beat one worker of many."""


class VocabularySpec(Spec):
    """Tokens added to the tokenizer for a language, learnt from `data.monolingual`."""

    tokens: int = Field(ge=1, le=2**20)
    """How many at most; pairs that meet only once become none."""

    language: str | None = None
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
    """Layers that get an adapter: every linear layer but the head, or names such as `q_proj`."""

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

    @field_validator("target_modules")
    @classmethod
    def _some_modules(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if isinstance(value, tuple):
            if not value:
                raise ValueError("found no name, allowed 'all-linear' or at least one layer name")
            return tuple(sorted(set(value)))
        return value
