"""Who generates text, and how: a section of a configuration for each purpose."""

from typing import Literal

from pydantic import Field

from harness.settings.spec import Spec


class VllmSpec(Spec):
    """How vLLM runs. What it is asked (model, dtype, adapter, decoding) stands elsewhere."""

    python: str | None = None
    """Python interpreter that has vllm; by default this one if it has it, else `.venv-vllm` beside
    the project."""

    gpu_share: float = Field(0.9, gt=0, le=1)
    """Share of each GPU's memory it takes, all at once: weights, and the rest for keys and
    values."""

    max_length: int | None = Field(None, ge=1)
    """Tokens of prompt and answer together; None for what the model's configuration says, which is
    often more than there is memory for. Longer prompts are an error, longer answers are cut."""

    rows: int = Field(256, ge=1)
    """Answers under way at once, at most. Scores change a little with it, so it is part of what
    identifies predictions."""

    gpus: int = Field(1, ge=1)
    """GPUs the layers of the model are split over (tensor parallel)."""


def _usual(value: object) -> bool:
    # Left out where it is as always: what was made before there was such a setting is found again.
    return value in ("hugging_face", VllmSpec())


class GenerationSpec(Spec):
    """Who generates, and how many answers at once."""

    batch_size: int = Field(64, ge=1)
    """Answers generated together. Texts change a little with it, by rounding, so it is part of what
    identifies them."""

    engine: Literal["hugging_face", "vllm"] = Field("hugging_face", exclude_if=_usual)
    """Hugging Face in this process, or vLLM in one of its own, for GPUs (docs/engines.md). Texts
    and scores differ by rounding."""

    vllm: VllmSpec = Field(default_factory=VllmSpec, exclude_if=_usual)
    """How vLLM runs, where it is the engine."""
