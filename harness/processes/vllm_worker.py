"""Generates with vLLM, for an interpreter that has vllm; see ``line_worker``.

Stand-alone: it imports nothing of the harness, and of others vllm alone. Text never passes: token
ids in, token ids out.

    -> {"load": {arguments of vllm.LLM}, "adapter": "/folder" or null}
    <- {"loaded": true}
    -> {"generate": [[prompt ids], ...], "sampling": {arguments of vllm.SamplingParams},
        "seeds": [one per prompt] or null}
    <- {"answers": [[answer ids], ...]}
    -> {"score": [[[context ids], [continuation ids]], ...]}
    <- {"scores": [[log-probability, whether greedy decoding gives it], ...]}
"""

from collections.abc import Callable
from typing import Any

_ADAPTER = ("adapter", 1)
"""Name and number of the one adapter, which vLLM asks for."""


class VllmEngine:
    """A model vLLM has loaded, with its adapter if it has one."""

    def __init__(self, arguments: dict[str, Any], adapter: str | None) -> None:
        import vllm

        self._llm = vllm.LLM(**arguments)
        self._adapter = None
        if adapter is not None:
            from vllm.lora.request import LoRARequest

            self._adapter = LoRARequest(*_ADAPTER, adapter)

    def answers(
        self, prompts: list[list[int]], sampling: dict[str, Any], seeds: list[int] | None
    ) -> list[list[int]]:
        """The ids of one answer per prompt, the token that ended it among them."""
        from vllm import SamplingParams

        if seeds is None:
            chosen: Any = SamplingParams(**sampling)
        else:
            chosen = [SamplingParams(**sampling, seed=seed) for seed in seeds]
        return [list(output.outputs[0].token_ids) for output in self._asked(prompts, chosen)]

    def scores(self, rows: list[tuple[list[int], list[int]]]) -> list[tuple[float, bool]]:
        """How likely each continuation is behind its context, and whether greedy gives it."""
        from vllm import SamplingParams

        # with the likeliest token at each place comes the one that stands there, and its rank
        looking = SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=1, detokenize=False)
        outputs = self._asked([[*context, *rest] for context, rest in rows], looking)
        scores = []
        for (context, rest), output in zip(rows, outputs):  # noqa: B905 (interpreters of old)
            places = output.prompt_logprobs[len(context) :]
            given = [likeliest[token] for likeliest, token in zip(places, rest)]  # noqa: B905
            total = sum(logprob.logprob for logprob in given)
            scores.append((total, all(logprob.rank == 1 for logprob in given)))
        return scores

    def _asked(self, prompts: list[list[int]], sampling: Any) -> list[Any]:
        from vllm.inputs import TokensPrompt

        given = [TokensPrompt(prompt_token_ids=prompt) for prompt in prompts]
        outputs: list[Any] = self._llm.generate(
            given, sampling, use_tqdm=False, lora_request=self._adapter
        )
        return outputs


class Worker:
    """The engine there is, once a model was loaded."""

    def __init__(self) -> None:
        self._engine: VllmEngine | None = None

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What was asked for."""
        if "load" in request:
            self._engine = VllmEngine(request["load"], request["adapter"])
            return {"loaded": True}
        if self._engine is None:
            raise RuntimeError("asked before a model was loaded")
        if "score" in request:
            return {"scores": self._engine.scores(request["score"])}
        chosen = request["generate"], request["sampling"], request["seeds"]
        return {"answers": self._engine.answers(*chosen)}


def prepare() -> tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]:
    """Imports the library; its version, and what answers requests.

    Raises:
        ImportError: This interpreter cannot run vLLM.
    """
    import vllm

    return vllm.__version__, Worker().answer
