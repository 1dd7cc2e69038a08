"""Checks of the harness's own parts: COMET's process, the pocket's files, benchmarks, MLflow."""

import importlib
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.benchmarks.read import known_suites, select
from harness.benchmarks.spec import EvalSpec
from harness.doctor.machine import Finding
from harness.errors import HarnessError
from harness.metrics.shared.comet_checkpoint import POCKET, local_checkpoint
from harness.models.devices import visible_devices
from harness.processes.comet_client import CometClient
from harness.processes.interpreter import COMET, VLLM
from harness.settings.spec import file_sha256

POCKET_FILES = POCKET.parent
_ROW = {"src": "The dog sleeps.", "mt": "Der Hund schläft.", "ref": "Der Hund schläft."}
_RESTORE = "git checkout -- harness/pocket/files"
_TIMEOUT_S = 5.0


def check_comet() -> Finding:
    """The interpreter of COMET, by scoring one sentence with the pocket's checkpoint."""
    try:
        python = COMET.python()
        with CometClient() as client:
            version = client.version()
            checkpoint = local_checkpoint("pocket")
            if checkpoint is None:
                return Finding("comet", "missing", "the pocket's checkpoint is not there")
            client.score(checkpoint.weights, [_ROW])
    except HarnessError as error:
        return Finding("comet", "missing", error.message, error.hint or "make setup")
    return Finding("comet", "ok", f"{version} in {python} scores")


def check_vllm(setting: str | None = None) -> Finding:
    """The interpreter of vLLM, which nothing needs; that it is there, not that it runs."""
    try:
        python = VLLM.python(setting)
        version = VLLM.version(python)
    except HarnessError as error:
        return Finding("vllm", "note", "none; Hugging Face answers the benchmarks", error.hint)
    if not visible_devices():
        found = f"{version} in {python}, but it runs on a GPU, and none is here"
        return Finding("vllm", "note", found, "engine: hugging_face, the default, runs here")
    return Finding("vllm", "ok", f"{version} in {python}; engine: vllm uses it")


def check_pocket(files: Path = POCKET_FILES) -> Finding:
    """Every file of the pocket testbed against the sha256 its recipe lists."""
    try:
        recipe: Mapping[str, Any] = json.loads((files / "RECIPE.json").read_text(encoding="utf-8"))
        listed: Mapping[str, str] = recipe["sha256"]
    except (OSError, ValueError, KeyError) as error:
        return Finding("pocket", "missing", f"{files}: no recipe ({error})", _RESTORE)
    faults = []
    for name, sha256 in listed.items():
        if not (files / name).is_file():
            faults.append(f"{name} is missing")
        elif file_sha256(files / name) != sha256:
            faults.append(f"{name} was changed")
    if faults:
        return Finding("pocket", "missing", "; ".join(faults), _RESTORE)
    return Finding("pocket", "ok", f"{len(listed)} files as their recipe lists them")


def check_punkt() -> Finding:
    """NLTK's sentence model, without which IFEval is not measured whole."""
    try:
        model = importlib.import_module("nltk").data.find("tokenizers/punkt_tab/english")
    except LookupError:
        remedy = "for IFEval: harness doctor --fetch punkt_tab"
        return Finding("punkt_tab", "note", "NLTK's sentence model is not here", remedy)
    return Finding("punkt_tab", "ok", str(Path(str(model)).parent))


def check_benchmarks(folder: Path) -> Finding:
    """Every benchmark of the working directory, its data and their checksums."""
    if not folder.is_dir():
        return Finding("benchmarks", "note", f"no folder {folder} here; eval.folder names another")
    suites = known_suites([folder])
    if not suites:
        return Finding("benchmarks", "note", f"{folder} holds no suites")
    try:
        selection = select(EvalSpec(folder=str(folder), suites=("*",)))
    except HarnessError as error:
        return Finding("benchmarks", "missing", error.message, error.hint)
    text = f"{len(selection.benchmarks)} in {len(suites)} suites, all checksums right"
    if selection.absent:
        text += f"; the data of {len(selection.absent)} more are not here (docs/benchmarks.md)"
    return Finding("benchmarks", "ok", text)


def check_tracking(uri: str | None) -> Finding:
    """The MLflow store, which is opened if it is there and not made if it is not."""
    try:
        # MLflow may be what is broken
        from harness.tracking.location import sqlite_file, store_uri
        from harness.tracking.tracker import MlflowTracker
    except ImportError as error:
        return Finding("mlflow", "missing", f"cannot be imported: {error}", "make setup")
    try:
        store = store_uri(uri)
        if store.startswith(("http://", "https://")):
            return _check_server(store)
        file = sqlite_file(store)
        if file is not None and not file.exists():
            return Finding("mlflow", "ok", f"{store} will be made by the first run")
        MlflowTracker(store)
    except HarnessError as error:
        return Finding("mlflow", "missing", error.message, error.hint)
    return Finding("mlflow", "ok", f"{store} opens")


def _check_server(uri: str) -> Finding:
    try:
        with urllib.request.urlopen(f"{uri.rstrip('/')}/health", timeout=_TIMEOUT_S):
            return Finding("mlflow", "ok", f"{uri} answers")
    except (urllib.error.URLError, OSError, ValueError) as error:
        remedy = "start the server, or name another store: --tracking-uri sqlite:///mlflow.db"
        return Finding("mlflow", "missing", f"{uri} does not answer: {error}", remedy)
