"""A model in vLLM as a Generator: token ids go to a process of its own and come back.

vLLM's own tokenizer, chat template, stop strings and default sampling are not used: text becomes
ids here, as for every other generator, and answers end at the same tokens. (It loads a tokenizer
all the same; told not to, some of its versions fail.) Rows share batches, so answers of one list
are kept by chunks like those of Hugging Face.
"""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from harness.models.generation.copies import once_each, seeds_of
from harness.models.generation.spec import VllmSpec
from harness.models.generation.vllm_adapter import served, stays_apart
from harness.models.generation.vllm_process import ask_vllm, start_vllm
from harness.models.spec import ModelSpec
from harness.models.tokenizer import TOKENIZER_FILE, load_tokenizer
from harness.processes.interpreter import VLLM
from harness.processes.line_process import LineProcess
from harness.protocols import OnProgress
from harness.records import JSON, Decoding, Generation, TokenIds

logger = logging.getLogger(__name__)

_RULE = 1
"""Its number rises when the same prompts would be asked in another way."""


class VllmGenerator:
    """Generates with vLLM; its process starts when it is first asked and ends with ``close``.

    Args:
        model: The model, and how it is loaded.
        adapter: A PEFT folder to put on it, or None.
        identity: Of the model, see ``harness.models.identity``.
        vllm: How vLLM runs.
        room: A folder on a disk with space: a model merged for vLLM lies there meanwhile.
        on_progress: Called with 1 when a list is answered: vLLM tells nothing of parts of it.

    Raises:
        MissingExtra: There is no interpreter with vllm.
    """

    def __init__(
        self,
        model: ModelSpec,
        adapter: Path | None,
        identity: Mapping[str, JSON],
        vllm: VllmSpec,
        room: Path,
        on_progress: OnProgress | None = None,
    ) -> None:
        own_tokens = adapter is not None and (adapter / TOKENIZER_FILE).is_file()
        speaking = model.replace(adapter=str(adapter)) if own_tokens else model
        self.tokenizer = load_tokenizer(speaking)
        self._model, self._adapter, self._vllm = model, adapter, vllm
        self.identity = vllm_identity(identity, model, adapter, vllm)
        self._room = room
        self.on_progress = on_progress
        self._process: LineProcess | None = None
        self._merged: Path | None = None

    @property
    def pid(self) -> int | None:
        """Of vLLM's process, None while there is none."""
        return None if self._process is None else self._process.process.pid

    def generate(self, prompts: Sequence[TokenIds], decoding: Decoding) -> list[Generation]:
        """One continuation per prompt, in their order.

        Of equal prompts a greedy answer is made once; sampled ones are drawn for each.

        Raises:
            MissingExtra, EvaluationError: vLLM cannot run here, or failed.
        """
        return once_each(prompts, decoding, lambda distinct: self._answers(distinct, decoding))

    def _answers(self, prompts: list[TokenIds], decoding: Decoding) -> list[Generation]:
        request: dict[str, JSON] = {
            "generate": [list(prompt) for prompt in prompts],
            "sampling": {
                "temperature": decoding.temperature,
                "max_tokens": decoding.max_new_tokens,
                "stop_token_ids": list(self.tokenizer.end_ids),
                "ignore_eos": True,  # of the model's configuration: the ends are those above
                "detokenize": False,
            },
            "seeds": seeds_of(prompts, decoding.seed, "vllm") if decoding.temperature > 0 else None,
        }
        reply = self._ask(request, f"answering {len(prompts)} prompts")
        if self.on_progress is not None:
            self.on_progress(1.0)
        return [self.tokenizer.generation(tuple(ids)) for ids in reply["answers"]]

    def loglikelihoods(self, rows: Sequence[tuple[TokenIds, TokenIds]]) -> list[tuple[float, bool]]:
        """Per (context, continuation): log-probability, and whether greedy decoding gives it.

        Raises:
            MissingExtra, EvaluationError: vLLM cannot run here, or failed.
        """
        request = [[list(context), list(rest)] for context, rest in rows]
        reply = self._ask({"score": request}, f"scoring {len(rows)} choices")
        return [(float(total), bool(greedy)) for total, greedy in reply["scores"]]

    def close(self) -> None:
        """Ends vLLM's process, which frees its memory, and removes what was merged for it."""
        if self._process is not None:
            self._process.kill()  # and whatever it started
            self._process = None
        if self._merged is not None:
            shutil.rmtree(self._merged, ignore_errors=True)
            self._merged = None

    def _ask(self, request: Mapping[str, JSON], doing: str) -> Mapping[str, Any]:
        try:
            if self._process is None:
                self._process = self._started()
            return ask_vllm(self._process, request, doing)
        except BaseException:
            self.close()  # dead, or about to give an answer nobody waits for
            raise

    def _started(self) -> LineProcess:
        vllm, model = self._vllm, self._model
        # before minutes of merging
        process, version = start_vllm(VLLM.python(vllm.python), vllm.gpus)
        self._process = process
        self._room.mkdir(parents=True, exist_ok=True)
        self._merged = Path(mkdtemp(prefix=f".{os.getpid()}.", suffix=".draft", dir=self._room))
        what = served(model, self._adapter, self._merged)
        adapter = {"enable_lora": True, "max_lora_rank": what.rank} if what.adapter else {}
        arguments = {
            "model": str(what.folder.absolute()),
            "dtype": model.dtype,
            "trust_remote_code": model.trust_remote_code,
            "load_format": "auto" if model.allow_pickle else "safetensors",
            "generation_config": "vllm",
            "seed": 0,
            "tensor_parallel_size": vllm.gpus,
            "gpu_memory_utilization": vllm.gpu_share,
            "max_num_seqs": vllm.rows,
            **({} if vllm.max_length is None else {"max_model_len": vllm.max_length}),
            **adapter,
        }
        if model.trust_remote_code:
            logger.warning(
                "%s: code of the model's own may run (model.trust_remote_code)", model.path
            )
        logger.info("vLLM %s loads %s", version, what.folder)
        apart = None if what.adapter is None else str(what.adapter.absolute())
        ask_vllm(process, {"load": arguments, "adapter": apart}, f"loading {model.path}")
        return process


def vllm_identity(
    identity: Mapping[str, JSON], model: ModelSpec, adapter: Path | None, vllm: VllmSpec
) -> dict[str, JSON]:
    """What such a generator is, without starting anything but the interpreter for its version.

    Raises:
        MissingExtra: There is no interpreter with vllm.
    """
    own = adapter or (None if model.adapter is None else Path(model.adapter))
    plain = model if adapter is not None else model.replace(adapter=None)
    return {
        **identity,
        "batch_rule": f"vllm {VLLM.version(VLLM.python(vllm.python))}, {_RULE}",
        "batch_size": vllm.rows,
        "gpus": vllm.gpus,
        "max_length": vllm.max_length,
        "adapter_apart": stays_apart(plain, own),
    }
