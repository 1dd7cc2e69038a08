"""Settings of vLLM, which generates in a process of its own."""

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
