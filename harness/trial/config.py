"""TrialConfig: everything one run is made from, composed of the Specs that own the parts."""

import contextlib
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from harness.benchmarks.spec import EvalSpec
from harness.data.spec import DataSpec
from harness.models.generation.spec import GenerationSpec
from harness.models.spec import LoraSpec, ModelSpec
from harness.protocols import Chaining, Combining, Showing, Variant
from harness.records import JSON
from harness.settings.spec import NestedFaults, Spec, explain, load_spec
from harness.training.spec import TrainSpec
from harness.variants.shared.method import parts_of, task_corpus
from harness.variants.shared.parts import VariantField

logger = logging.getLogger(__name__)

_LENGTH = {"steps", "epochs"}
"""Either says how long a training is; one of a chain that gives one does not inherit the other."""


class ChainedTraining(Spec):
    """A training before the trial's own, which then goes on with the same adapter."""

    variant: VariantField
    """Its method; data, model and adapter are the trial's."""

    train: dict[str, Any] = Field(default_factory=dict)
    """What differs from the trial's `train`."""

    learning_rate_ratio: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """Its learning rate as a multiple of the trial's, where `train` does not give one."""


class TrialConfig(Spec):
    """One configuration and one seed: what ``harness run`` reads and a sweep makes many of."""

    name: str = Field(default="trial", pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")
    """Shown in tables and in MLflow."""

    seed: int = Field(default=1, ge=0)
    """Of every random choice of this run: LoRA's start, order of examples, dropout, sampling."""

    model: ModelSpec
    """The chat model that is tuned."""

    generation: GenerationSpec = Field(
        default_factory=GenerationSpec, exclude_if=lambda value: value == GenerationSpec()
    )
    """Who writes the training text. (Left out where all of it is usual: what was made before there
    was such a section is found again.)"""

    variant: VariantField
    """The method: its name, and the settings it has."""

    data: DataSpec | None = None
    """What it is tuned on; every variant but `base` needs it."""

    eval: EvalSpec
    """What the tuned model is scored on."""

    lora: LoraSpec = LoraSpec()

    train: TrainSpec = TrainSpec()
    """How the adapter is trained."""

    chain: tuple[ChainedTraining, ...] | None = None
    """What is trained before, in order, each going on with the adapter of the one before;
    None for what the variant itself asks for (most: nothing)."""

    @model_validator(mode="after")
    def _fits_together(self) -> "TrialConfig":
        faults = [*self._chain_faults(), *self._missing_corpora(), *self._asking_faults()]
        if self.train.processes > 1 and self.model.device_map is not None:
            text = f"found {self.train.processes}, allowed 1 with model.device_map, "
            faults.append(
                ("train.processes", f"{text}which spreads one model over all accelerators")
            )
        if faults:
            raise NestedFaults(faults)
        return self

    def _chain_faults(self) -> Iterator[tuple[str, str]]:
        for index, training in enumerate(self.chain or ()):
            name = training.variant.name
            if not training.variant.trains or isinstance(training.variant, Combining):
                yield f"chain.{index}.variant", f"{name} trains no adapter to go on with"
            try:
                self._train_of(training)
            except ValidationError as error:
                for path, text in explain(error, TrainSpec):
                    yield f"chain.{index}.train.{path}", text

    def _asking_faults(self) -> Iterator[tuple[str, str]]:
        """What is set and would change nothing, as how the model is asked is settled otherwise."""
        name = self.variant.name
        if isinstance(self.variant, Showing) and self.chain:
            yield (
                "chain",
                f"found {len(self.chain)} of it, allowed [] with {name}: it trains nothing",
            )
        tuned = self.variant.trains or isinstance(self.variant, Combining | Showing)
        if self.eval.answering is not None and tuned:
            yield (
                "eval.answering",
                f"found {self.eval.answering!r}, allowed with the variant base alone: {name} says "
                "itself how its models are asked",
            )

    def _missing_corpora(self) -> Iterator[tuple[str, str]]:
        """Corpora that are not named, and what needs each."""
        if self.data is None:
            if self.variant.trains:
                yield "data", f"missing, and the variant {self.variant.name} trains on it"
            elif isinstance(self.variant, Showing):
                yield "data", f"missing, and the variant {self.variant.name} shows pairs of it"
            return
        needed = {
            corpus: f"the variant {variant.name} trains on it"
            for variant in self.methods()
            if (corpus := task_corpus(variant))
        }
        if self.variant.trains and self.train.drift_points:
            needed["instructions"] = "train.drift_points measures on them"
        if self.variant.trains and self.lora.vocabulary:
            needed["monolingual"] = "lora.vocabulary learns from it"
        for variant in self.methods():
            needed |= dict.fromkeys(variant.needs, f"the variant {variant.name} draws on it")
        for corpus, reason in needed.items():
            if getattr(self.data, corpus) is None:
                yield f"data.{corpus}", f"missing, and {reason}"

    def _chain(self) -> tuple[ChainedTraining, ...]:
        if self.chain is not None:
            return self.chain
        usual = self.variant.chain if isinstance(self.variant, Chaining) else ()
        return tuple(ChainedTraining.model_validate(dict(one)) for one in usual)

    def _train_of(self, training: ChainedTraining) -> TrainSpec:
        given = self.train.model_dump(
            exclude={"steps", "epochs"} if _LENGTH & set(training.train) else set()
        )
        given["learning_rate"] *= training.learning_rate_ratio
        return TrainSpec.model_validate({**given, **training.train})

    def methods(self) -> Iterator[Variant]:
        """Every method that makes text for this trial: its own, its parts', its chain's."""
        waiting = [self.variant, *(training.variant for training in self._chain())]
        while waiting:
            variant = waiting.pop()
            yield variant
            waiting += [part for part in parts_of(variant).values() if not isinstance(part, Path)]

    def engines(self) -> dict[str, GenerationSpec]:
        """Who generates text for this trial, by the section that says so."""
        writes = any(variant.trains for variant in self.methods())
        return ({"generation": self.generation} if writes else {}) | {"eval": self.eval}

    def corpora_drawn_on(self) -> frozenset[str]:
        """Fields of its data whose text forms the adapter; the others are there for other methods.

        Chats on which only drift is measured are none of them, nor are validation pairs.
        """
        corpora = {name for variant in self.methods() for name in variant.draws_on}
        vocabulary = {"monolingual"} if self.lora.vocabulary else set()
        return self.task_corpora() | corpora | vocabulary

    def task_corpora(self) -> frozenset[str]:
        """Fields of its data that hold a task of its methods: what is asked, and its answer."""
        corpora = (task_corpus(variant) for variant in self.methods())
        return frozenset(corpus for corpus in corpora if corpus is not None)

    def trainings(self) -> tuple["TrialConfig", ...]:
        """The trainings of this trial in order, its own the last, each without a chain."""
        earlier = (
            self.replace(variant=training.variant, train=self._train_of(training), chain=())
            for training in self._chain()
        )
        return (*earlier, self.replace(chain=()))

    def configuration_fingerprint(self) -> str:
        """As ``fingerprint``, without the seed: equal for all runs of one trial."""
        return self.replace(seed=0).fingerprint()


def completed(config: Mapping[str, JSON]) -> dict[str, JSON]:
    """A configuration's plain data with the defaults of what they do not say.

    Each section by itself: one that this version cannot read is left as it is.
    """
    data = dict(config)
    for name, field in TrialConfig.model_fields.items():
        if name in config:
            section: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
            with contextlib.suppress(ValueError):
                read = section.validate_python(config[name])
                data[name] = section.dump_python(read, mode="json")
        elif not field.is_required():
            default = field.get_default(call_default_factory=True, validated_data={})
            data[name] = default.plain() if isinstance(default, Spec) else default
    return data


def accelerators(config: TrialConfig) -> dict[str, int]:
    """How many accelerators a trial takes at once, by the setting that says so."""
    counts = {"train.processes": config.train.processes}
    return counts | {
        f"{section}.vllm.gpus": spec.vllm.gpus
        for section, spec in config.engines().items()
        if spec.engine == "vllm"
    }


def warn_of_engines(config: TrialConfig) -> None:
    """Says that training text does not follow ``eval``, to whoever may have meant it to.

    Args:
        config: As it came from its file: a copy with changes has all fields set.
    """
    named = sorted({"engine", "vllm"} & config.eval.model_fields_set)
    if named and "generation" in config.engines() and "generation" not in config.model_fields_set:
        logger.warning(
            "%s: answers to benchmarks follow it, training text does not: generation.engine is %s "
            "(set `generation: {engine: ..., vllm: ...}`, or `generation: {}` if that is meant)",
            " and ".join(f"eval.{name}" for name in named),
            config.generation.engine,
        )


def load_trial(path: Path, overrides: tuple[tuple[str, JSON], ...] = ()) -> TrialConfig:
    """Reads a TrialConfig from a YAML file, with dotted overrides applied.

    Raises:
        ConfigError: All faults of the file at once.
    """
    config = load_spec(TrialConfig, path, overrides)
    warn_of_engines(config)
    return config
