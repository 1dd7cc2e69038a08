"""A model that only writes text: in a folder, as any other, or behind a server."""

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

from pydantic import BeforeValidator, ValidationError, ValidationInfo

from harness.models.spec import ModelSpec
from harness.records import JSON
from harness.servers.spec import ServerSpec
from harness.settings.spec import LocalPath, NestedFaults, Spec, explain


class ServedSpec(Spec):
    """A model behind a server, and how it is asked; see `docs/servers.md`."""

    server: ServerSpec
    """Where it is, what it is called there, and the variable that holds its key."""

    tokenizer: LocalPath | None = None
    """Folder with the tokenizer of that model. Chats are then rendered here, by its chat template,
    and sent to the server's `/completions` as plain text, so that the beginning of an answer is
    continued for certain (`radis`). None sends turns to `/chat/completions`."""

    continues: bool = False
    """Says that the server continues an answer that `/chat/completions` ends in, which otherwise is
    asked of it once, before the first such request; with `tokenizer` it is of no consequence."""


Teacher: TypeAlias = ModelSpec | ServedSpec


def teacher(settings: Mapping[str, JSON], folder: Any = None) -> Teacher:
    """A teacher from its settings: behind a server where they name one, else in a folder.

    Args:
        settings: Plain data.
        folder: Of the file they stand in, where paths are looked for first.

    Raises:
        ValidationError: Something is wrong with them.
    """
    kind: type[Teacher] = ServedSpec if "server" in settings else ModelSpec
    return kind.model_validate(dict(settings), context={"folder": folder})


def _parsed(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, ModelSpec | ServedSpec):
        return value
    if not isinstance(value, Mapping):
        raise ValueError(
            f"found {type(value).__name__}, allowed {{path: FOLDER}}, or {{server: {{url: URL, "
            "model: NAME}} for a model behind a server"
        )
    try:
        return teacher(value, (info.context or {}).get("folder"))
    except ValidationError as error:
        kind = ServedSpec if "server" in value else ModelSpec
        raise NestedFaults(explain(error, kind)) from None


TeacherField: TypeAlias = Annotated[Teacher, BeforeValidator(_parsed)]
"""``{path: FOLDER}`` with other settings of a model, or ``{server: {url: URL, model: NAME}}``."""
