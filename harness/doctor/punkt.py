"""NLTK's sentence model, which IFEval's checker needs and no package of ours brings.

It lies in the wheel of ``llama-index-core``, which is downloaded by pip as any package and not
installed: the files of the model alone are taken out of it. So it is had wherever packages are.
"""

import importlib
import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from harness.errors import EvaluationError
from harness.storage.wheels import download_wheel

NAME = "punkt_tab"
_PACKAGE = "llama-index-core"
_FOLDER = PurePosixPath("tokenizers", NAME)


def fetch_punkt(into: Path | None = None) -> Path:
    """Puts the model where NLTK looks for it.

    Args:
        into: A folder of NLTK's; None is the first of NLTK_DATA where that is set, else that
                of this environment, else that of the user.

    Returns:
        The folder of the model.

    Raises:
        EvaluationError: pip did not give the package, the model is not in it, or does not split.
    """
    with tempfile.TemporaryDirectory() as name:
        hint = f"Without a network, copy tokenizers/{NAME} of another machine's nltk_data here."
        files = _files_of(download_wheel(_PACKAGE, Path(name), hint))
    target = next(
        (folder for folder in ([into] if into else _places()) if _put(files, folder)), None
    )
    if target is None:
        raise EvaluationError(f"{NAME}: no folder to put it into can be written")
    nltk = importlib.import_module("nltk")
    if str(target) not in nltk.data.path:
        nltk.data.path.append(str(target))
    tokenizer = importlib.import_module("nltk.tokenize.punkt").PunktTokenizer("english")
    if len(list(tokenizer.tokenize("A lake is water. Mr. Smith swims in it."))) != 2:
        raise EvaluationError(f"{NAME}: what {_PACKAGE} holds does not split sentences")
    return target / _FOLDER


def _files_of(wheel: Path) -> dict[PurePosixPath, bytes]:
    """The model's files in a wheel by their path in NLTK's folder."""
    files: dict[PurePosixPath, bytes] = {}
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.namelist():
            parts = PurePosixPath(entry).parts
            if not entry.endswith("/") and _FOLDER.parts == parts[-len(parts) :][-4:-2]:
                files[PurePosixPath(*parts[-4:])] = archive.read(entry)
    if not any(path.parts[2] == "english" for path in files):
        raise EvaluationError(f"{NAME}: {wheel.name} does not hold it")
    return files


def _places() -> list[Path]:
    named = os.environ.get("NLTK_DATA", "").split(os.pathsep)[0]
    if named:
        return [Path(named).expanduser().absolute()]
    return [Path(sys.prefix, "nltk_data"), Path.home() / "nltk_data"]


def _put(files: dict[PurePosixPath, bytes], folder: Path) -> bool:
    """Writes them whole, beside what was there and then in its place; False where that fails."""
    target = folder / _FOLDER
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            draft = Path(name) / NAME
            for path, content in files.items():
                place = draft / PurePosixPath(*path.parts[2:])
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            if target.exists():
                shutil.rmtree(target)
            draft.rename(target)
    except OSError:
        return False
    return True
