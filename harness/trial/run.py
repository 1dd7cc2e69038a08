"""run_trial(): the whole experiment on one page, from a configuration to scores with signatures.

Every step is a stage of the store, so whatever was made before is found again: a sweep over the
rationale weight generates the rationales once, and an interrupted run goes on where it was.
"""

import re
import resource
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.benchmarks.read import Benchmark, select
from harness.data.corpora import corpora_identity
from harness.data.overlaps import BenchmarkItems
from harness.evaluation.check import check_metrics
from harness.evaluation.predict import SHOWN, predict_stored
from harness.evaluation.score import Unmeasured, facts_of_scores, score_stored
from harness.evaluation.shown import check_shown
from harness.evaluation.summary import summarise
from harness.metrics.judging.client import JUDGEMENTS_FOLDER, JudgeClient
from harness.models.folder import model_folder, read_json
from harness.models.generation.vllm_process import check_vllm
from harness.models.identity import content_hash, folder_hash
from harness.models.limits import Limits, limits_in
from harness.models.metricx import MetricX
from harness.models.provenance import model_provenance, system_turn
from harness.processes.interpreter import VLLM
from harness.protocols import Combining, Generator, LearnedScorer, OnEvent, Services, Showing
from harness.records import Key, Score, ScoreKey, TrialResult
from harness.settings.spec import local_paths
from harness.storage.results import write_results
from harness.storage.store import Built, Store, library_versions
from harness.trial.config import TrialConfig
from harness.trial.stages import Tuning
from harness.trial.timeline import Timeline
from harness.trial.train import ADAPTER

_SHARES = {"forced_tags": "answering/{}/forced_tags", "thought_aloud": "thoughts/{}"}
"""What is counted among the answers to a benchmark, and the fact that is its share of the items."""


def run_trial(
    config: TrialConfig,
    *,
    home: Path,
    on_event: OnEvent | None = None,
    learned: LearnedScorer | None = None,
) -> TrialResult:
    """Trains and scores one configuration with its seed; nothing that exists is made again.

    Args:
        config: What to run.
        home: Folder of the store; the result is also written to ``<home>/trials/``.
        on_event: Is told of stages and training steps as they happen.
        learned: COMET's process; without it such scores are unmeasured, with the reason.

    Raises:
        ConfigError, DataError: Something the user can mend; nothing was trained.
        TrainingError, EvaluationError: The run cannot be finished; what is finished is kept.
    """
    store = Store(home / "store")
    with store.shared_lock():
        services = Services(learned, JudgeClient(home / JUDGEMENTS_FOLDER), MetricX())
        result = _run(config, store, Timeline(on_event or (lambda event: None)), services)
    write_results(home / "trials" / f"{result.fingerprint}.json", [result])
    return result


def _run(config: TrialConfig, store: Store, timeline: Timeline, services: Services) -> TrialResult:
    selection = select(config.eval)
    benchmarks = selection.benchmarks
    check_metrics(benchmarks, config.eval)
    for section, spec in config.engines().items():
        if spec.engine == "vllm":
            check_vllm(config.model, spec.vllm, section)
    tuning = Tuning(config, store, timeline)
    variant = config.variant
    if isinstance(variant, Showing) or config.eval.answering is not None:
        check_shown(tuning.answering(), benchmarks)
    adapter = tuning.adapter() if variant.trains or isinstance(variant, Combining) else None
    if variant.trains or isinstance(variant, Showing):
        tuning.contamination(
            [BenchmarkItems(one.key, one.data_sha256, one.items) for one in benchmarks]
        )
    predictions = _predict(tuning, benchmarks, adapter)
    scores, unmeasured = _score(tuning, benchmarks, predictions, services)
    summaries = summarise(benchmarks, scores, selection.absent)
    return TrialResult(
        name=config.name,
        fingerprint=config.fingerprint(),
        config=config.plain(),
        variant=config.variant.name,
        seed=config.seed,
        scores=scores,
        unmeasured={**selection.unmeasured(), **unmeasured, **summaries.missing},
        summaries=summaries.values,
        facts=tuning.facts | _cost(predictions) | facts_of_scores(scores),
        stages=tuning.stages | {f"predictions/{key}": one.key for key, one in predictions.items()},
        tags=_provenance(tuning),
        seconds=tuning.seconds | {"predictions": sum(one.seconds for one in predictions.values())},
        summary_parts=summaries.parts,
        purposes=selection.purposes(),
    )


def _predict(
    tuning: Tuning, benchmarks: Sequence[Benchmark], adapter: Built | None
) -> dict[str, Built]:
    """The answers to every benchmark, those that are missing in one pass."""
    config, resources = tuning.config, tuning.resources
    engine = resources.new_engine(config.eval)
    folder = None if adapter is None else adapter.path / ADAPTER
    identity = {
        "generator": engine.identity(config.model, resources.model_identity, folder),
        "adapter": None if adapter is None else adapter.key,
    }

    def generator() -> Generator:
        return resources.generator_of(
            config.model,
            resources.model_identity,
            lambda: resources.chat_model,
            stage="predictions",
            engine=engine,
            adapter=None if adapter is None else adapter.whole() / ADAPTER,
        )

    with tuning.timeline.stage("predictions"), engine.running():
        return predict_stored(
            benchmarks,
            identity,
            tuning.store,
            generator,
            tuning.timeline.on_event,
            answering=tuning.answering(),
            limits=_limits(config),
        )


def _limits(config: TrialConfig) -> Limits:
    """What the model can read, by its files and by how it is run."""
    limits = limits_in(read_json(model_folder(config.model) / "config.json"))
    if config.eval.engine != "vllm":
        return limits
    return Limits(None, config.eval.vllm.max_length or limits.positions, is_fixed=True)


def _score(
    tuning: Tuning,
    benchmarks: Sequence[Benchmark],
    predictions: Mapping[str, Built],
    services: Services,
) -> tuple[dict[ScoreKey, Score], dict[Key, str]]:
    """Every metric of every benchmark: scores, and reasons where there is none."""
    scores: dict[ScoreKey, Score] = {}
    unmeasured: dict[Key, str] = {}
    progress = tuning.timeline.progress("scores")
    with tuning.timeline.stage("scores"):
        for done, benchmark in enumerate(benchmarks):
            for metric in benchmark.metrics:
                key = benchmark.score_key(metric)
                scored = score_stored(
                    predictions[benchmark.key],
                    benchmark,
                    metric,
                    tuning.config.eval.metrics.get(metric, {}),
                    services,
                    tuning.store,
                )
                if isinstance(scored, Unmeasured):
                    unmeasured[key] = scored.reason
                else:
                    scores[key] = scored
            progress((done + 1) / len(benchmarks))
    return scores, unmeasured


def _provenance(tuning: Tuning) -> dict[str, str]:
    """Where the numbers come from: the model, the corpora, other files, the libraries."""
    model = {f"model/{key}": str(value) for key, value in tuning.resources.model_identity.items()}
    data = tuning.config.data
    corpora = {
        f"corpus/{name}": str(facts["sha256"])
        for name, facts in ({} if data is None else corpora_identity(data)).items()
        if facts is not None
    }
    tags = model_provenance(tuning.config.model)
    if data is not None and data.system is not None:
        tags["chat/system"] = system_turn(tuning.config.model, data.system)
    for settings in tuning.config.engines().values():
        if settings.engine == "vllm":
            tags["version/vllm"] = VLLM.version(VLLM.python(settings.vllm.python))
    versions = {f"version/{name}": text for name, text in library_versions()}
    return model | tags | corpora | _contents(tuning.config) | versions


def _contents(config: TrialConfig) -> dict[str, str]:
    """Digests of what lies at the paths that methods and aligned corpora name, by setting."""
    return {
        f"content/{setting}": folder_hash(path) if path.is_dir() else content_hash(path)
        for setting, paths in local_paths(config).items()
        if not setting.startswith(("model.", "eval."))
        and not re.fullmatch(r"data\.\w+\.path", setting)
        for path in map(Path, paths)
        if path.exists()
    }


def _cost(predictions: Mapping[str, Built]) -> dict[str, float]:
    """What the run cost: tokens generated and shown, and this process's peak memory so far."""
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    tokens = sum(int(built.facts["tokens_generated"]) for built in predictions.values())
    shares = {
        fact.format(key): built.facts[count] / built.facts["items"]
        for key, built in predictions.items()
        for count, fact in _SHARES.items()
        if count in built.facts
    }
    shown = sum(int(built.facts.get(SHOWN, 0)) for built in predictions.values())
    cost = {"cost/generated_tokens": tokens, "cost/peak_memory_gib": peak}
    return cost | ({"cost/shown_tokens": shown} if shown else {}) | shares
