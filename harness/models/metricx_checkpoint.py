"""Where a MetricX checkpoint and its tokenizer are, and what identifies it; torch-free.

A checkpoint is a folder of Hugging Face's layout whose configuration is that of mT5 with MetricX's
head (``MT5ForRegression``). Those of the hub have no tokenizer of their own: theirs is mT5's.
"""

from dataclasses import dataclass
from pathlib import Path

from harness.errors import ConfigError, EvaluationError
from harness.models.folder import read_json
from harness.models.identity import content_hash
from harness.settings.spec import digest

SCORE_TOKEN = 250089
"""``<extra_id_10>`` of mT5, whose logit is the score."""

ARCHITECTURE = "MT5ForRegression"
_CONFIG = "config.json"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_TOKENIZER = ("tokenizer.json", "spiece.model", "tokenizer_config.json")
_TOKENIZER_OF_ALL = "google/mt5-xl"


@dataclass(frozen=True, slots=True)
class MetricXCheckpoint:
    """A checkpoint on this machine; ``label`` is what signatures call it."""

    folder: Path
    tokenizer: Path
    label: str

    def identity(self) -> str:
        """Label and content: ``large@1f0c2a9be1d3``; configuration, weights, tokenizer count."""
        files = [self.folder / _CONFIG, *_weights(self.folder)]
        files += [self.tokenizer / name for name in _TOKENIZER if (self.tokenizer / name).is_file()]
        return f"{self.label}@{digest({file.name: content_hash(file) for file in files})[:12]}"


def check_local(model: str) -> Path | None:
    """The folder of a checkpoint on this machine; None when it is a hub id.

    Raises:
        ConfigError: It is neither.
    """
    path = Path(model).expanduser()
    may_be_of_the_hub = model.count("/") == 1 and not model.startswith((".", "/", "~"))
    if may_be_of_the_hub and not path.exists():
        return None
    allowed = (
        f"allowed: a folder of a {ARCHITECTURE}, or a hub id (google/metricx-24-hybrid-xl-v2p6)"
    )
    if not (path / _CONFIG).is_file():
        raise ConfigError(
            f"{model}: no MetricX checkpoint ({_CONFIG} missing in {path}), {allowed}"
        )
    config = read_json(path / _CONFIG)
    named = config.get("architectures") or []
    if config.get("model_type") != "mt5" or ARCHITECTURE not in named:
        kind = ", ".join(map(str, named)) or config.get("model_type")
        raise ConfigError(f"{model}: found a {kind}, {allowed}")
    size = config.get("vocab_size", 0)
    if not isinstance(size, int) or size <= SCORE_TOKEN:
        raise ConfigError(
            f"{model}: found a vocabulary of {size}, allowed: one with token {SCORE_TOKEN}, whose "
            "logit is the score"
        )
    if not _weights(path):
        raise ConfigError(f"{model}: no weights in {path}, allowed: {', '.join(_WEIGHTS)}")
    return path.absolute()


def find_metricx(model: str) -> MetricXCheckpoint:
    """The checkpoint on this machine, fetched from the hub if it is a hub id.

    Raises:
        ConfigError: No such checkpoint.
        EvaluationError: The hub did not give it, or not its tokenizer.
    """
    folder = check_local(model)
    label = model if folder is None else folder.resolve().name
    if folder is None:
        folder = _fetched(model, _CONFIG, *_WEIGHTS, *_TOKENIZER, "*.index.json")
        check_local(str(folder))
    return MetricXCheckpoint(folder, tokenizer_of(folder), label)


def to_be_fetched(model: str) -> list[str]:
    """The hub's repositories that scoring would need and the local cache lacks.

    Raises:
        ConfigError: No such checkpoint.
    """
    from huggingface_hub import try_to_load_from_cache

    folder = check_local(model)
    needed = {} if folder is not None else {model: _CONFIG}
    if folder is None or not _has_tokenizer(folder):
        needed[_TOKENIZER_OF_ALL] = _TOKENIZER[1]
    return [
        repository
        for repository, file in needed.items()
        if not isinstance(try_to_load_from_cache(repository, file), str)
    ]


def tokenizer_of(folder: Path) -> Path:
    """The folder that has a checkpoint's tokenizer: its own, else mT5's.

    Raises:
        EvaluationError: The hub did not give mT5's.
    """
    if _has_tokenizer(folder):
        return folder
    return _fetched(_TOKENIZER_OF_ALL, _CONFIG, *_TOKENIZER, "special_tokens_map.json")


def _has_tokenizer(folder: Path) -> bool:
    return any((folder / name).is_file() for name in _TOKENIZER[:2])


def _weights(folder: Path) -> list[Path]:
    kinds = (sorted(folder.glob(pattern)) for pattern in _WEIGHTS)
    return next(filter(None, kinds), [])


def _fetched(repository: str, *patterns: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(repository, allow_patterns=list(patterns)))
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EvaluationError(
            f"{repository}, which MetricX needs, is not here and the hub did not give it: {reason}",
            f"Fetch it where there is a network (hf download {repository}), or name a folder: "
            "metricx.model; the tokenizer of mT5 may lie in it.",
        ) from None
