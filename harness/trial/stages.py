"""From a configuration to a trained adapter: the stages corpus, completions, examples, adapter."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from harness.data.corpora import corpora_identity
from harness.data.examples import save_examples
from harness.data.overlaps import BenchmarkItems, overlaps_stored
from harness.models.adapter_base import save_base
from harness.models.answering_file import answering_of, named_answering, save_answering
from harness.models.combine import combine, draws
from harness.models.folder import adapter_folder
from harness.models.generation.completions import StoredGenerator
from harness.models.identity import folder_hash
from harness.protocols import Combining, Showing, Sources, Variant
from harness.records import JSON
from harness.seeds import stream_seed
from harness.storage.store import Built, Stage, Store, library_versions
from harness.training.checkpoint import Checkpoints
from harness.trial.config import TrialConfig
from harness.trial.curves import read_curves
from harness.trial.drift_chats import answered_chats
from harness.trial.launch import team_for
from harness.trial.reach import examples_of, reached
from harness.trial.resources import Resources
from harness.trial.shown import shown_settings
from harness.trial.timeline import Timeline
from harness.trial.train import ADAPTER, TrainingJob, train_adapter
from harness.variants.shared.method import (
    late_roles,
    own_answering,
    renew_every,
    unusual_answering,
)

ANSWERING_VERSION = 1
ADAPTER_VERSION = 2
COMBINED_VERSION = 1

GENERATED = "generated_tokens"
"""In an examples stage: tokens the models generated for it, whether now or earlier."""


class Tuning:
    """Makes the adapter of one run, or finds it made.

    Args:
        config: What to run.
        store: Where stages are kept.
        timeline: Is told what happens; the curves of an adapter found made are told again.
    """

    def __init__(self, config: TrialConfig, store: Store, timeline: Timeline) -> None:
        self.config, self.store, self.timeline = config, store, timeline
        self.resources = Resources(config, store, timeline)
        self.stages: dict[str, str] = {}
        self.facts: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def adapter(self) -> Built:
        """The ``adapter`` stage; text is only made and the model only loaded where it is missing.

        Raises:
            ConfigError, DataError: Something the user can mend.
            TrainingError: Training cannot go on.
        """
        built = self._adapter(self.config, "")
        self.facts |= self.resources.rows_left_out()
        return built

    def answering(self) -> Mapping[str, JSON] | None:
        """How the model is asked, see ``harness.models.answering``; None for plainly.

        What a method shows is the stage ``answering``, so that others can ask in the same way.

        Raises:
            ConfigError, DataError: Something the user can mend.
        """
        config = self.config
        if isinstance(config.variant, Showing):
            return self._shown(config.variant)
        if config.eval.answering is not None:
            return named_answering(Path(config.eval.answering))
        return own_answering(config.variant) or answering_of(config.model)

    def _shown(self, variant: Showing) -> Mapping[str, JSON]:
        config, resources = self.config, self.resources
        settings = shown_settings(config, resources.corpora.parallel)
        stage = Stage(
            "answering",
            ANSWERING_VERSION,
            {
                "train": corpora_identity(resources.data)["train"],
                "prompt": resources.data.prompt,
                "variant": config.variant.identity(),
                "seed": config.seed,
            },
        )

        def make(folder: Path) -> Mapping[str, float]:
            save_answering(folder, settings)
            return {}

        built = self.store.build(stage, make)
        self._note("", answering=built)
        self.facts |= resources.rows_left_out()
        return settings

    def contamination(self, benchmarks: Sequence[BenchmarkItems]) -> Built:
        """The ``contamination`` stage: how much of the benchmarks is in the training text.

        Text that no method of the run draws on (chats, for plain fine-tuning) does not count.
        """
        resources, used = self.resources, self.config.corpora_drawn_on()
        identity = {
            name: corpus if name in used else None
            for name, corpus in corpora_identity(resources.data).items()
        }
        with self.timeline.stage("contamination"):
            built = overlaps_stored(
                identity,
                lambda: resources.corpora,
                benchmarks,
                self.store,
                answers="instructions" in self.config.task_corpora(),
            )
        self.facts |= {name: float(share) for name, share in built.facts.items()}
        self.stages["contamination"] = built.key
        return built

    def _adapter(self, config: TrialConfig, prefix: str) -> Built:
        """The adapter of a configuration; ``prefix`` tells the parts of a trial apart."""
        if isinstance(config.variant, Combining):
            return self._combined(config, config.variant, prefix)
        *earlier, last = config.trainings()
        built = None
        for number, training in enumerate(earlier, start=1):
            built = self._trained(training, built, f"{prefix}chain{number}/")
        return self._trained(last, built, prefix)

    def _trained(self, config: TrialConfig, start: Built | None, prefix: str) -> Built:
        examples, ordered = self._examples(config)
        stage = self._adapter_stage(config, examples, start)
        # The curves of a trial are those of its last training: its parts count steps of their own.
        on_step = (lambda event: None) if prefix else self.timeline.on_event

        def make(folder: Path) -> Mapping[str, float]:
            job = self._job(config, stage, examples, start, ordered)
            chats = answered_chats(config, self.resources) if config.train.drift_points else None
            with team_for(job) as team:
                return train_adapter(
                    folder, job, self.resources, chats=chats, on_event=on_step, team=team
                )

        with self.timeline.stage("adapter", reused=self.store.find(stage) is not None):
            built = self.store.build(stage, make)
        if built.reused:
            for event in read_curves(built.path):
                on_step(event)
        self._note(prefix, examples=examples, adapter=built)
        facts = {name: value for name, value in examples.facts.items() if name != GENERATED}
        self._tell({f"data/{name}": value for name, value in facts.items()}, prefix)
        self._tell(built.facts, prefix)
        self._spent(examples, built)
        return built

    def _job(
        self,
        config: TrialConfig,
        stage: Stage,
        examples: Built,
        start: Built | None,
        ordered: bool,
    ) -> TrainingJob:
        # What the libraries compute is not part of a stage, but it is of a training half done.
        identity: dict[str, JSON] = {"stage": stage.key, "with": dict(library_versions())}
        return TrainingJob(
            config,
            examples.whole(),
            None if start is None else start.whole() / ADAPTER,
            self.store.root,
            Checkpoints(self.store.unfinished(stage), identity),
            ordered,
        )

    def _combined(self, config: TrialConfig, variant: Combining, prefix: str) -> Built:
        """The ``adapter`` stage of a variant that combines adapters instead of training one."""
        parts = {
            name: self._part(config, part, f"{prefix}{name}/")
            for name, part in variant.parts.items()
        }
        settings = dict(variant.combination)
        if draws(settings):
            settings["seed"] = stream_seed(config.seed, "combine")
        stage = Stage(
            "adapter",
            COMBINED_VERSION,
            {
                "parts": {name: identity for name, (identity, _) in parts.items()},
                "combination": settings,
                "model": self.resources.model_identity,
            },
        )

        def make(folder: Path) -> Mapping[str, float]:
            folders = {name: adapter() for name, (_, adapter) in parts.items()}
            facts = combine(self.resources.chat_model, folders, settings, folder / ADAPTER)
            save_answering(folder / ADAPTER, own_answering(config.variant))
            save_base(folder / ADAPTER, config.model)
            return facts

        with self.timeline.stage("adapter", reused=self.store.find(stage) is not None):
            built = self.store.build(stage, make)
        self._note(prefix, adapter=built)
        self._tell(built.facts, prefix)
        return built

    def _part(
        self, config: TrialConfig, part: Variant | Path, prefix: str
    ) -> tuple[JSON, Callable[[], Path]]:
        """An adapter to combine: what it is, and what gives its folder."""
        if isinstance(part, Path):
            folder = adapter_folder(str(part))
            return {"folder": folder_hash(folder)}, lambda: folder
        built = self._adapter(config.replace(variant=part), prefix)
        return built.key, lambda: built.whole() / ADAPTER

    def _examples(self, config: TrialConfig) -> tuple[Built, bool]:
        """The ``examples`` stage, and whether it has those of the steps alone, in their order."""
        resources, variant = self.resources, config.variant
        stage, pairs = examples_of(config, resources)
        few = "reached" in stage.identity

        def make(folder: Path) -> Mapping[str, float]:
            # made, where it was there and is gone meanwhile, of the pairs its key stands for
            chosen = reached(config, resources) if few and pairs is None else pairs
            sources = (
                resources.sources(variant, config.seed)
                if chosen is None
                else resources.sources_of(variant, config.seed, chosen)
            )
            before = _generated(sources)
            with resources.engine.running():
                examples = variant.examples(sources)
            save_examples(folder, examples)
            facts = {} if chosen is None else {"pairs_reached": len(chosen)}
            return {**examples.facts, **facts, GENERATED: _generated(sources) - before}

        with self.timeline.stage("examples", reused=self.store.find(stage) is not None):
            return self.store.build(stage, make), few

    def _adapter_stage(self, config: TrialConfig, examples: Built, start: Built | None) -> Stage:
        variant = config.variant
        return Stage(
            "adapter",
            ADAPTER_VERSION,
            {
                "examples": examples.key,
                "start": None if start is None else start.key,
                "weights": {role.value: weight for role, weight in variant.weights.items()},
                "penalty": variant.penalty,
                "late": {role.value: steps for role, steps in late_roles(variant).items()},
                "renew_every": renew_every(variant),
                "lora": config.lora.plain(),
                # how often a training was kept half done changes nothing
                "train": config.train.replace(checkpoint_every=None).plain(),
                "model": self.resources.model_identity,
                "seed": config.seed,
                # its folder says how its model is asked; once that was no part of what it is
                **({"answering": asked} if (asked := unusual_answering(variant)) else {}),
                # once a turn ended with one token, whatever the template wrote before it
                **(
                    {"ending": list(ending)}
                    if (ending := self.resources.tokenizer.unusual_ending)
                    else {}
                ),
                # once the adapter was multiplied by in its own float32
                **({"autocast": True} if config.model.dtype == "bfloat16" else {}),
            },
        )

    def _spent(self, examples: Built, adapter: Built) -> None:
        """What a training took, added up over all trainings of the trial."""
        took = {
            "cost/training_tokens": adapter.facts["train/tokens"],
            "cost/training_seconds": adapter.facts["train/seconds"],
            "cost/completion_tokens": examples.facts.get(GENERATED, 0),
        }
        for name, value in took.items():
            self.facts[name] = self.facts.get(name, 0.0) + float(value)

    def _note(self, prefix: str, **built: Built) -> None:
        self.stages |= {f"{prefix}{name}": one.key for name, one in built.items()}
        self.seconds |= {f"{prefix}{name}": one.seconds for name, one in built.items()}

    def _tell(self, facts: Mapping[str, float], prefix: str) -> None:
        """Facts of the trial itself; those of its parts by ``data/chain1/...``."""
        for name, value in facts.items():
            kind, _, rest = name.partition("/")
            self.facts[f"{kind}/{prefix}{rest}"] = float(value)


def _generated(sources: Sources) -> int:
    """Tokens of the completions its generators were asked for so far, stored ones among them."""
    generators = (sources.base, *sources.teachers.values())
    stored = [one for one in generators if isinstance(one, StoredGenerator)]
    return sum(int(built.facts["tokens"]) for one in stored for built in one.built)
