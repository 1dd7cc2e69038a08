"""Where a COMET checkpoint is, and what identifies it; without starting COMET.

A checkpoint is a folder as unbabel-comet lays one out: ``hparams.yaml`` and
``checkpoints/model.ckpt``, and where its encoder is no public model an encoder folder beside them,
named in ``hparams.yaml`` by a relative path.
"""

from dataclasses import dataclass
from pathlib import Path

import yaml

from harness.errors import ConfigError, EvaluationError
from harness.models.identity import content_hash
from harness.records import JSON
from harness.settings.spec import digest

POCKET = Path(__file__).parents[2] / "pocket" / "files" / "comet"
WEIGHTS = Path("checkpoints", "model.ckpt")
SETTINGS = "hparams.yaml"


@dataclass(frozen=True, slots=True)
class CometCheckpoint:
    """A checkpoint on this machine; ``label`` is what signatures call it."""

    folder: Path
    label: str

    @property
    def weights(self) -> Path:
        """The file unbabel-comet loads."""
        return self.folder / WEIGHTS

    @property
    def encoder(self) -> str:
        """Hub id of its encoder, or the name of the folder beside it."""
        settings: dict[str, JSON] = yaml.safe_load((self.folder / SETTINGS).read_text())
        return str(settings["pretrained_model"])

    def identity(self) -> str:
        """Label and content: ``pocket@1f0c2a9be1d3``; weights, settings and encoder count."""
        files = [self.weights, self.folder / SETTINGS]
        files += sorted(path for path in (self.folder / self.encoder).rglob("*") if path.is_file())
        hashes = {str(path.relative_to(self.folder)): content_hash(path) for path in files}
        return f"{self.label}@{digest(hashes)[:12]}"


def local_checkpoint(model: str) -> CometCheckpoint | None:
    """``pocket``, a checkpoint's folder or its ``.ckpt``; None when it is a hub id.

    Raises:
        ConfigError: It is neither.
    """
    path = POCKET if model == "pocket" else Path(model).expanduser()
    may_be_of_the_hub = model.count("/") == 1 and not model.startswith((".", "/", "~"))
    if may_be_of_the_hub and not path.exists():
        return None
    if path.suffix == ".ckpt":
        path = path.parent.parent
    missing = [str(name) for name in (SETTINGS, WEIGHTS) if not (path / name).is_file()]
    if missing:
        raise ConfigError(
            f"{model}: no COMET checkpoint ({' and '.join(missing)} missing in {path}), allowed "
            f"`pocket`, a folder with {SETTINGS} and {WEIGHTS}, or a hub id such as "
            "Unbabel/wmt22-comet-da"
        )
    is_pocket = path.resolve() == POCKET.resolve()
    return CometCheckpoint(path.absolute(), "pocket" if is_pocket else path.resolve().name)


def find_checkpoint(model: str) -> CometCheckpoint:
    """The checkpoint on this machine, fetched from the hub if it is a hub id.

    Raises:
        ConfigError: No such checkpoint.
        EvaluationError: The hub did not give it.
    """
    checkpoint = local_checkpoint(model)
    if checkpoint is None:
        checkpoint = CometCheckpoint(_fetch(model), model)
        if not (checkpoint.folder / checkpoint.encoder).is_dir():
            # without its weights, which are in the checkpoint
            _fetch(checkpoint.encoder, "*.json", "*.model", "*.txt")
    return checkpoint


def _fetch(repository: str, *patterns: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        return Path(snapshot_download(repository, allow_patterns=list(patterns) or None))
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EvaluationError(
            f"COMET model {repository} is not here and the hub did not give it: {reason}",
            "Fetch it where there is a network, or name another: comet.model (the testbed's own is "
            "`pocket`).",
        ) from None
