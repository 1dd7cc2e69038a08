"""What can be known to be wrong before anything is trained or written.

Torch-free: the benchmarks, the model's files and the corpora are looked at, nothing is loaded. The
run itself checks them again; this is so that a user's typo costs a second and leaves no trace.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path

from harness.benchmarks.read import Benchmark, find_benchmarks
from harness.data.corpora import check_corpora
from harness.errors import ConfigError, DataError
from harness.evaluation.check import check_metrics
from harness.evaluation.shown import check_shown
from harness.models.adapter_base import warn_of_another_base
from harness.models.answering_file import named_answering
from harness.models.chat_template import template_in
from harness.models.devices import visible_devices
from harness.models.folder import adapter_folder, model_folder, tokenizer_folder
from harness.models.generation.vllm_process import check_vllm, check_vllm_model
from harness.models.spec import ModelSpec
from harness.models.teachers import ServedSpec, Teacher, teacher
from harness.protocols import Showing
from harness.servers.key import read_key
from harness.storage.store import Store
from harness.trial.config import TrialConfig, accelerators
from harness.trial.shown import check_showing
from harness.variants.shared.parts import adapters_read


def preflight(
    config: TrialConfig,
    home: Path | None = None,
    benchmarks: Sequence[Benchmark] | None = None,
    others: Sequence[TrialConfig] = (),
) -> None:
    """Looks at all that a configuration names.

    Args:
        config: The configuration.
        home: Folder whose store may have its corpora, read and checked; nothing is written there.
        benchmarks: Its benchmarks where they were read before; None to read them here.
        others: Further configurations with its benchmarks, of which what they show is looked at.

    Raises:
        ConfigError, DataError: Every fault found, those of the configuration's own paths first.
    """
    faults: list[str] = []
    hints: list[str] = []
    kind: type[ConfigError | DataError] = DataError
    store = None if home is None else Store(home / "store")
    read = cache(lambda: find_benchmarks(config.eval) if benchmarks is None else benchmarks)
    for check in _checks(config, store, read, others):
        try:
            check()
        except (ConfigError, DataError) as error:
            kind = ConfigError if isinstance(error, ConfigError) else kind
            faults.append(error.message)
            hints += [] if error.hint is None else [error.hint]
    if faults:
        raise kind("\n".join(faults), "\n".join(hints) or None)
    _compare_bases(config)


def _checks(
    config: TrialConfig,
    store: Store | None,
    benchmarks: Callable[[], Sequence[Benchmark]],
    others: Sequence[TrialConfig],
) -> Iterator[Callable[[], object]]:
    adapter, data = config.model.adapter, config.data
    yield lambda: _enough_devices(config)
    yield lambda: _model(config.model)
    if adapter is not None:
        yield lambda: adapter_folder(adapter)
    for folder in adapters_read(config.variant):
        yield partial(adapter_folder, str(folder))
    for variant in config.methods():
        for name, settings in variant.teachers.items():
            external = config.generation.engine == "vllm"
            yield partial(_teacher, f"{variant.name}.{name}", teacher(settings), external)
    if data is not None:
        yield lambda: check_corpora(data, store)
    yield lambda: check_metrics(benchmarks(), config.eval)
    yield from _showing((config, *others), store, benchmarks)
    for section, spec in config.engines().items():
        if spec.engine == "vllm":
            yield partial(check_vllm, config.model, spec.vllm, section)


def _showing(
    configs: Sequence[TrialConfig],
    store: Store | None,
    benchmarks: Callable[[], Sequence[Benchmark]],
) -> Iterator[Callable[[], object]]:
    """What is shown as the model is asked, by a method or by a file that says so."""
    answering = configs[0].eval.answering
    if answering is not None:
        yield lambda: check_shown(named_answering(Path(answering)), _of_them(benchmarks))
    if any(isinstance(config.variant, Showing) for config in configs):
        yield lambda: check_showing(configs, _of_them(benchmarks), store)


def _of_them(benchmarks: Callable[[], Sequence[Benchmark]]) -> Sequence[Benchmark]:
    """The benchmarks; none where they cannot be read, which another check tells."""
    try:
        return benchmarks()
    except (ConfigError, DataError):
        return ()


def _compare_bases(config: TrialConfig) -> None:
    """Warns of adapters that were trained on another model than they are put on."""
    teachers = (
        teacher(settings) for variant in config.methods() for settings in variant.teachers.values()
    )
    for spec in (config.model, *teachers):
        if isinstance(spec, ModelSpec) and spec.adapter is not None:
            warn_of_another_base(Path(spec.adapter), spec.replace(adapter=None))
    for folder in adapters_read(config.variant):
        warn_of_another_base(folder, config.model)


def _model(spec: ModelSpec) -> None:
    folder = model_folder(spec)
    named = spec.path if spec.chat_template is None else f"{spec.path}: {spec.chat_template}"
    try:
        template_in(folder, spec.chat_template, spec.chat_date).check()
    except ConfigError as error:
        raise ConfigError(f"model.path: {named}: {error.message}", error.hint) from None


def _enough_devices(config: TrialConfig) -> None:
    devices = () if config.model.device == "cpu" else visible_devices()
    for name, count in accelerators(config).items():
        if devices and len(devices) < count:
            raise ConfigError(
                f"{name}: found {count}, allowed at most {len(devices)}, one for each "
                f"accelerator this process may use ({', '.join(devices)})",
                "To share the CPU instead, set model.device: cpu",
            )


def _teacher(setting: str, spec: Teacher, external: bool) -> None:
    if isinstance(spec, ServedSpec):
        _served(setting, spec)
    else:
        if external:
            check_vllm_model(spec, setting, "generation")
        _teacher_folder(setting, spec)


def _served(setting: str, spec: ServedSpec) -> None:
    try:
        read_key(spec.server)
        if spec.tokenizer is not None:
            tokenizer_folder(spec.tokenizer)
    except ConfigError as error:
        raise ConfigError(f"{setting}: {error.message}", error.hint) from None


def _teacher_folder(setting: str, spec: ModelSpec) -> None:
    try:
        _model(spec)
        if spec.adapter is not None:
            adapter_folder(spec.adapter)
    except ConfigError as error:
        message = error.message.replace("model.path", f"{setting}.path")
        raise ConfigError(message, error.hint) from None
