"""How tasks of lm-eval's are asked through this harness, and what becomes of their answers."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks.lm_file import FEWSHOT_SEED, LmTask
from harness.benchmarks.lm_tasks import asked_sha256
from harness.benchmarks.read import Benchmark
from harness.errors import EvaluationError
from harness.records import JSON, Answer, Asked, Decoding, Message, Prediction

_MAX_NEW_TOKENS = 256
"""Where a task names no limit: lm-eval's own default."""


def prepared(task: LmTask) -> Any:
    """lm-eval's object of a task, to be asked anew and with the examples that identify it."""
    task.task.set_fewshot_seed(seed=FEWSHOT_SEED)
    for request in task.task.instances or ():
        request.resps, request.filtered_resps = [], {}
    return task.task


def check_asked(task: LmTask) -> None:
    """Sees to it that what was asked is what identifies the answers.

    Raises:
        EvaluationError: The task makes other requests each time.
    """
    if asked_sha256(task.task) != task.sha256:
        raise EvaluationError(
            f"lm_eval: {task.name}: it makes other items or prompts each time it is asked, so that "
            "nothing identifies its answers: not supported"
        )


def decoding_of(settings: Mapping[str, Any]) -> Decoding:
    r"""How a request is to be answered.

    >>> decoding_of({"until": ["\\n"], "do_sample": False, "temperature": 0.7})
    Decoding(max_new_tokens=256, temperature=0.0, seed=0)
    """
    limit = settings.get("max_gen_toks", settings.get("max_tokens", _MAX_NEW_TOKENS))
    sampled = settings.get("do_sample", True)
    return Decoding(int(limit), float(settings.get("temperature", 0.0)) if sampled else 0.0)


def cut(text: str, settings: Mapping[str, Any]) -> str:
    r"""A text up to the first of the request's stop strings, as if generation had ended there.

    >>> cut("18\\nQuestion: and then?", {"until": ["Question:", ""]})
    '18\\n'
    """
    until = settings.get("until") or []
    for stop in [until] if isinstance(until, str) else until:
        text = text.split(stop, 1)[0] if stop else text
    return text


def asked_of_lm_eval(context: str) -> Asked:
    """A request's chat.

    Raises:
        EvaluationError: It ends in the beginning of an answer.
    """
    chat = json.loads(context)
    if chat[-1]["role"] != "user":
        raise EvaluationError(
            "lm_eval: a task begins the answer itself (gen_prefix), which is not supported"
        )
    return Asked(tuple(Message(turn["role"], turn["content"]) for turn in chat), "en")


def foreign_predictions(
    benchmark: Benchmark,
    own: LmTask,
    samples: Sequence[Mapping[str, Any]],
    answers: Mapping[tuple[str, int], Answer],
) -> list[Prediction]:
    """One prediction an item, with what each of the task's metrics gives it under each filter."""
    task = own.task
    kept = {
        name
        for name, how in task.aggregation().items()
        if _is_mean(how) and task.higher_is_better().get(name, True)
    }
    given: dict[int, dict[str, JSON]] = {}
    first: dict[int, Mapping[str, Any]] = {}
    for sample in samples:
        item = sample["doc_id"]
        first.setdefault(item, sample)
        values = given.setdefault(item, {})
        for name in sample["metrics"]:
            if name in kept:
                values[f"{name},{sample['filter']}"] = _plain(sample[name])
    return [
        _prediction(benchmark, sample, given[item], answers.get((task.task_name, item)))
        for item, sample in first.items()
    ]


def _is_mean(how: Any) -> bool:
    # IFEval's is the mean over the instructions of all items, which values that are lists give too
    return getattr(how, "__name__", "") in {"mean", "agg_inst_level_acc"}


def _plain(value: Any) -> JSON:
    return [float(one) for one in value] if isinstance(value, list | tuple) else float(value)


def _prediction(
    benchmark: Benchmark, sample: Mapping[str, Any], given: JSON, said: Answer | None
) -> Prediction:
    arguments = sample["arguments"]
    choices = None
    if benchmark.task.output_type == "multiple_choice":
        # acc_mutual_info asks for each choice a second time, without the question
        asked = [argument for argument in arguments if argument[0] == arguments[0][0]]
        choices = tuple(float(one[0]) for one in sample["filtered_resps"][: len(asked)])
        output = asked[max(range(len(asked)), key=choices.__getitem__)][1]
    else:
        output = sample["resps"][0][0]
    return Prediction(
        id=str(sample["doc_id"]),
        prompt=json.loads(arguments[0][0])[-1]["content"],
        output=output,
        answer=output,
        target=str(sample["target"]),
        language=benchmark.language,
        choices=choices,
        num_tokens=None if said is None else len(said.generation.token_ids),
        finished=None if said is None else said.generation.finished,
        extra={"lm_eval": given},
    )
