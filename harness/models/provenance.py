"""Where a model came from and what it was allowed, for the record of a run.

Nothing is said of what every model does; torch-free but for ``system_turn``.
"""

from pathlib import Path

from harness.models.adapter_base import base_of
from harness.models.folder import model_folder
from harness.models.hub import commit_of
from harness.models.spec import ModelSpec
from harness.models.tokenizer import load_tokenizer
from harness.records import Message


def model_provenance(spec: ModelSpec) -> dict[str, str]:
    """Tags: of a hub model its id, revision and commit; what was allowed; its adapter's base.

    Raises:
        ConfigError: The model's files are not there or not whole.
    """
    tags = {}
    commit = commit_of(model_folder(spec))
    if commit is not None:
        tags = {"hub/id": spec.path, "hub/revision": spec.revision or "main", "hub/commit": commit}
    for name in ("trust_remote_code", "allow_pickle"):
        if getattr(spec, name):
            tags[name] = "true"
    if spec.adapter is not None:
        base = base_of(Path(spec.adapter), spec.replace(adapter=None))
        tags["model/adapter_base"] = base.verdict
    return tags


def system_turn(spec: ModelSpec, system: str) -> str:
    """What becomes of a system turn: ``own turn``, or ``joined to the user's first turn``.

    Raises:
        ConfigError: The tokenizer cannot be read, or its template refuses any turn.
    """
    tokenizer = load_tokenizer(spec)
    tokenizer.render_chat((Message("system", system), Message("user", "x")))
    return "joined to the user's first turn" if tokenizer.template.joins_system else "own turn"
