"""A stand-in for vllm in tests, where there is no GPU: its documented interface, on the CPU.

It takes what https://docs.vllm.ai documents of LLM, SamplingParams, TokensPrompt and LoRARequest
and refuses the rest; one row at a time goes through transformers. It says nothing about the numbers
of vLLM.

Environment: STANDIN_LOG names a file that gets the arguments of LLM and how often it was asked;
STANDIN_FAILS makes LLM raise a RuntimeError that says so, STANDIN_DIES makes it end the process,
STANDIN_CHILD makes it start a process, as several GPUs do, and log its id.
"""

import json
import os
import subprocess
from dataclasses import dataclass

__version__ = "0.0.0"

_ARGUMENTS = {
    "dtype": "auto",
    "trust_remote_code": False,
    "load_format": "auto",
    "generation_config": "auto",
    "seed": 0,
    "tensor_parallel_size": 1,
    "gpu_memory_utilization": 0.9,
    "max_num_seqs": 256,
    "max_model_len": None,
    "enable_lora": False,
    "max_lora_rank": 16,
}


@dataclass
class SamplingParams:
    n: int = 1
    temperature: float = 1.0
    seed: int | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    prompt_logprobs: int | None = None
    detokenize: bool = True


@dataclass
class Logprob:
    logprob: float
    rank: int | None = None
    decoded_token: str | None = None


@dataclass
class CompletionOutput:
    index: int
    text: str
    token_ids: list[int]
    finish_reason: str | None = None
    stop_reason: int | str | None = None


@dataclass
class RequestOutput:
    prompt_token_ids: list[int]
    prompt_logprobs: list[dict[int, Logprob] | None] | None
    outputs: list[CompletionOutput]


class LLM:
    def __init__(self, model, **arguments):
        unknown = set(arguments) - set(_ARGUMENTS)
        if unknown:
            raise TypeError(f"unexpected keyword argument {sorted(unknown)}")
        self._set = {**_ARGUMENTS, **arguments}
        _log({"model": model, **arguments})
        print("vllm talks a lot on stdout")
        if "STANDIN_DIES" in os.environ:
            os._exit(3)
        if "STANDIN_FAILS" in os.environ:
            raise RuntimeError(os.environ["STANDIN_FAILS"])
        if "STANDIN_CHILD" in os.environ:
            _log({"child": subprocess.Popen(["sleep", "600"]).pid})
        import torch
        import transformers

        if self._set["enable_lora"] and self._set["dtype"] == "float32":
            raise ValueError("LoRA in float32")
        torch.set_num_threads(1)
        self._model = transformers.AutoModelForCausalLM.from_pretrained(
            model, dtype=getattr(torch, self._set["dtype"]), local_files_only=True
        ).eval()
        self._tuned = None

    def generate(self, prompts, sampling_params=None, *, use_tqdm=True, lora_request=None):
        _log({"asked": len(prompts)})
        if not isinstance(sampling_params, list):
            sampling_params = [sampling_params] * len(prompts)
        model = self._model if lora_request is None else self._with(lora_request)
        return [
            self._output(model, one["prompt_token_ids"], params)
            for one, params in zip(prompts, sampling_params, strict=True)
        ]

    def _with(self, request):
        import peft

        if not self._set["enable_lora"]:
            raise ValueError("LoRA is not enabled")
        if self._tuned is None:
            tuned = peft.PeftModel.from_pretrained(self._model, request.lora_path)
            config = tuned.peft_config["default"]
            if config.r > self._set["max_lora_rank"] or config.use_dora:
                raise ValueError("this adapter is not taken")
            self._tuned = tuned.to(self._model.dtype).eval()
        return self._tuned

    def _output(self, model, prompt, params):
        import torch

        longest = self._set["max_model_len"] or model.config.max_position_embeddings
        if len(prompt) > longest:
            raise ValueError(
                f"The decoder prompt (length {len(prompt)}) is longer than the maximum model "
                f"length of {longest}."
            )
        ends = set(params.stop_token_ids or ())
        if not params.ignore_eos:
            ends.add(model.config.eos_token_id)
        stream = torch.Generator().manual_seed(params.seed or 0)
        ids, reason = list(prompt), "length"
        with torch.inference_mode():
            while len(ids) < min(len(prompt) + params.max_tokens, longest):
                logits = model(input_ids=torch.tensor([ids])).logits[0, -1].float()
                if params.temperature == 0:
                    ids.append(int(logits.argmax()))
                else:
                    chances = (logits / params.temperature).softmax(-1)
                    ids.append(int(chances.multinomial(1, generator=stream)))
                if ids[-1] in ends:
                    reason = "stop"
                    break
            known = None
            if params.prompt_logprobs is not None:
                known = _known(model, prompt, params.prompt_logprobs)
        answer = CompletionOutput(0, "", ids[len(prompt) :], reason)
        return RequestOutput(prompt, known, [answer])


def _known(model, prompt, number):
    import torch

    logits = model(input_ids=torch.tensor([prompt])).logits[0].float().log_softmax(-1)
    places = [None]
    for row, token in zip(logits[:-1], prompt[1:], strict=True):
        chosen = [*row.topk(number).indices.tolist(), token]
        places.append(
            {one: Logprob(float(row[one]), int((row > row[one]).sum()) + 1) for one in chosen}
        )
    return places


def _log(entry):
    if "STANDIN_LOG" in os.environ:
        with open(os.environ["STANDIN_LOG"], "a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
