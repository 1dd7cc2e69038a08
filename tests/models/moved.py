"""Models with adapters that were moved from where they begin, without training."""

from pathlib import Path

import torch
from transformers import LlamaForCausalLM

from harness.models.chat_model import ChatModel
from harness.models.load import load_chat_model
from harness.models.lora import attach
from harness.models.spec import LoraSpec, ModelSpec
from tests.toys.tiny import save_tiny


def write_tiny(folder: Path, *, tied: bool) -> Path:
    """The tiny model, on request with a head of its own."""
    save_tiny(folder)
    if not tied:
        model = LlamaForCausalLM.from_pretrained(folder)
        weight = model.get_input_embeddings().weight
        head = torch.nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        head.weight.data = weight.data + 0.01
        model.set_output_embeddings(head)
        model.config.tie_word_embeddings = False
        model.save_pretrained(folder)
    return folder


def load(folder: Path, dtype: str = "float32") -> ChatModel:
    return load_chat_model(ModelSpec(path=str(folder), device="cpu", dtype=dtype))


def moved(chat_model: ChatModel, spec: LoraSpec) -> ChatModel:
    tuned = attach(chat_model, spec, seed=1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in tuned.model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator))
    tuned.model.eval()
    return tuned
