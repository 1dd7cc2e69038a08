"""Generates with vLLM: a program for an interpreter that has vllm.

    python vllm_worker.py

Stand-alone: it imports nothing of the harness, and of others vllm alone. Requests come as JSON
lines on stdin, answers leave as JSON lines on the original stdout; whatever the libraries print
goes to stderr. Text never passes: token ids in, token ids out. It ends when stdin does, even in
the middle of a request, and with it the memory it holds; where it leads a process group, all of it.

    <- {"ready": "0.11.0"}  or  {"missing": "No module named 'vllm'"}
    -> {"load": {arguments of vllm.LLM}, "adapter": "/folder" or null}
    <- {"loaded": true}
    -> {"generate": [[prompt ids], ...], "sampling": {arguments of vllm.SamplingParams},
        "seeds": [one per prompt] or null}
    <- {"answers": [[answer ids], ...]}
    -> {"score": [[[context ids], [continuation ids]], ...]}
    <- {"scores": [[log-probability, whether greedy decoding gives it], ...]}

In place of an answer there may be {"error": "ValueError: ..."}.
"""

import json
import os
import queue
import signal
import sys
import threading
import traceback
from typing import IO, Any

_ADAPTER = ("adapter", 1)
"""Name and number of the one adapter, which vLLM asks for."""


class Engine:
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
        found = []
        for (context, rest), output in zip(rows, outputs):  # noqa: B905 (interpreters of old)
            places = output.prompt_logprobs[len(context) :]
            said = [place[token] for place, token in zip(places, rest)]  # noqa: B905
            found.append((sum(one.logprob for one in said), all(one.rank == 1 for one in said)))
        return found

    def _asked(self, prompts: list[list[int]], sampling: Any) -> list[Any]:
        from vllm.inputs import TokensPrompt

        given = [TokensPrompt(prompt_token_ids=prompt) for prompt in prompts]
        outputs: list[Any] = self._llm.generate(
            given, sampling, use_tqdm=False, lora_request=self._adapter
        )
        return outputs


def answer(engine: "Engine | None", request: dict[str, Any]) -> tuple["Engine | None", Any]:
    """The engine there is now, and what was asked for or why there is none."""
    try:
        if "load" in request:
            return Engine(request["load"], request["adapter"]), {"loaded": True}
        if engine is None:
            raise RuntimeError("asked before a model was loaded")
        if "score" in request:
            return engine, {"scores": engine.scores(request["score"])}
        found = engine.answers(request["generate"], request["sampling"], request["seeds"])
        return engine, {"answers": found}
    except Exception as error:  # whatever vllm may raise is the asker's to hear
        traceback.print_exc()
        reason = " ".join(str(error).split()) or "no reason given"
        return engine, {"error": f"{type(error).__name__}: {reason}"}


def prepare() -> str:
    """Imports the library; its version.

    Raises:
        ImportError: This interpreter cannot run vLLM.
    """
    import vllm

    version: str = vllm.__version__
    return version


def requests(stdin: IO[bytes]) -> "queue.SimpleQueue[dict[str, Any]]":
    """Requests as they come; the end of them ends the process."""
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def listen() -> None:
        for line in stdin:
            waiting.put(json.loads(line))
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)  # and what vllm has started for several GPUs
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    return waiting


def main() -> None:
    """Answers requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the owner, who closes stdin
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def reply(message: dict[str, Any]) -> None:
        answers.write(json.dumps(message) + "\n")
        answers.flush()

    waiting = requests(sys.stdin.buffer)
    try:
        reply({"ready": prepare()})
    except ImportError as error:
        reply({"missing": str(error)})
        return
    engine = None
    while True:
        engine, message = answer(engine, waiting.get())
        reply(message)


if __name__ == "__main__":
    main()
