"""A run function that takes no time: scores follow from the settings, stages from a real store.

Every stage made writes a line to ``<home>/made.log``, so tests see what was made and how often.
"""

import json
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.errors import TrainingError
from harness.records import (
    Score,
    ScoreKey,
    StageEvent,
    StepEvent,
    SummaryKey,
    SummaryPart,
    TrialResult,
    parse_key,
)
from harness.seeds import stream
from harness.settings.spec import digest
from harness.storage.results import write_results
from harness.storage.store import Stage, Store
from harness.trial.config import TrialConfig

STEPS = 4


def run(config: TrialConfig, *, home: Path, on_event: Any, learned: Any = None) -> TrialResult:
    store = Store(home / "store")
    seconds = float(os.environ.get("FAKE_SECONDS", "0"))

    def make(name: str, identity: dict[str, Any], step: Any = None) -> str:
        stage = Stage(name, 1, identity)

        def build(folder: Path) -> None:
            if step is not None:
                step()
            time.sleep(seconds)
            with (home / "made.log").open("a") as file:
                file.write(f"{name} {stage.key}\n")

        on_event(StageEvent(name, "started"))
        built = store.build(stage, build)
        on_event(StageEvent(name, "reused" if built.reused else "done", 1.0, built.seconds))
        return built.key

    def train() -> None:
        for n in range(1, STEPS + 1):
            on_event(
                StepEvent(n, STEPS, {"train/loss": 1.0 / n, "train/loss/translation": 1.0 / n})
            )
            time.sleep(seconds / STEPS)
        accident(config, home)

    plain = config.plain()
    tuned = {key: plain[key] for key in ("variant", "lora", "train", "seed")}
    stages = {}
    if config.variant.trains:
        stages["examples"] = make(
            "texts", {"variant": config.variant.identity(), "seed": config.seed}
        )
        stages["adapter"] = make("adapter", tuned, train)
    stages["predictions"] = make("predictions", {**tuned, "splits": plain["eval"]["splits"]})
    scores, summaries = score(config)
    if learned is not None and os.environ.get("FAKE_LEARNED"):
        scores |= {parse_key("translation/en_de_validation/comet"): learned_score(learned)}
    result = TrialResult(
        name=config.name,
        fingerprint=config.fingerprint(),
        config=plain,
        variant=config.variant.name,
        seed=config.seed,
        scores=scores,
        unmeasured={},
        summaries=summaries,
        facts={"cost/generated_tokens": 10.0},
        stages=stages,
        tags={"model/weights": "abc"},
        seconds=dict.fromkeys(stages, seconds),
    )
    write_results(home / "trials" / f"{result.fingerprint}.json", [result])
    return result


def at_the_floor(config: TrialConfig, *, home: Path, **settings: Any) -> TrialResult:
    """As ``run``, but every one of three items of the general benchmarks is wrong."""
    result = run(config, home=home, **settings)
    wrong = {
        key: replace(score, value=0.0, ids=("a", "b", "c"), statistics=((0.0, 1.0),) * 3)
        for key, score in result.scores.items()
        if key.suite == "general"
    }
    parts = {SummaryKey("general", key.split): (SummaryPart(key, 0.0, 1.0),) for key in wrong}
    result = replace(result, scores=result.scores | wrong, summary_parts=parts)
    write_results(home / "trials" / f"{result.fingerprint}.json", [result])
    return result


def accident(config: TrialConfig, home: Path) -> None:
    """What the learning rate asks for: a failure, or the death of this process."""
    rate = config.train.learning_rate
    if rate == 0.5:
        raise TrainingError("step 3: the loss is not finite")
    if rate == 0.6 and not (home / "died").exists():
        (home / "died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if rate == 0.7:
        os.abort()


def score(config: TrialConfig) -> tuple[dict[ScoreKey, Score], dict[SummaryKey, float]]:
    """Translation rises and general falls with rank; radis keeps more of general."""
    trained = config.variant.trains
    weight = getattr(config.variant, "rationale_weight", 0.0)
    noise = stream(config.seed, digest(config.plain())).random() / 1000
    translation = (config.lora.rank / 16 if trained else 0.1) + noise
    general = (1 - config.lora.rank / 20 + weight / 20 if trained else 0.9) + noise
    scores: dict[ScoreKey, Score] = {}
    summaries: dict[SummaryKey, float] = {}
    for split in config.eval.splits:
        for suite, name, value in (
            ("translation", "en_de", translation),
            ("general", "facts", general),
        ):
            key = parse_key(f"{suite}/{name}_{split}/exact_match")
            scores[key] = Score("exact_match", value, True, "exact|v1", ("a",), ((value,),))
            summaries[SummaryKey(suite, split)] = value
    return scores, summaries


def learned_score(learned: Any) -> Score:
    rows = [{"src": "a", "mt": "b", "ref": "c"}]
    value = learned.score("model", rows, "fp32")[0]
    return Score("comet", value, True, f"comet|{learned.version()}", ("a",), ((value, 1.0),))


def broken(*arguments: Any, **settings: Any) -> None:
    raise AssertionError(json.dumps("never called"))
