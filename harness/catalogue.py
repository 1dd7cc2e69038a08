"""What there is to choose from: plug-ins and sweeps, read from their files without running them.

The text shown is the text in the source: the docstring of a plug-in's module, and the one under
each option. Reading it from the syntax tree keeps ``harness list`` free of every heavy import.
"""

import ast
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.plugins import KINDS, names


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a plug-in; ``default`` is None where it must be given."""

    name: str
    type: str
    default: str | None
    doc: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A variant or a metric: its name, what its module says, its settings."""

    name: str
    summary: str
    doc: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class SweepFile:
    """A sweep's YAML and the question its first comment lines ask."""

    name: str
    path: Path
    question: str


def plugins(kind: str) -> tuple[Plugin, ...]:
    """All of a kind (``variant``, ``metric``), sorted by name."""
    folders = _folders(KINDS[kind][0])
    found = []
    for name in names(kind):
        path = next(folder / f"{name}.py" for folder in folders if (folder / f"{name}.py").exists())
        found.append(_read_plugin(name, path, KINDS[kind][1]))
    return tuple(found)


def sweep_files(folder: Path) -> tuple[SweepFile, ...]:
    """The sweeps of a folder, sorted by name."""
    return tuple(
        SweepFile(path.stem, path, _first_comment(path.read_text(encoding="utf-8")))
        for path in sorted(folder.glob("*.yaml"))
    )


def sweeps_begun(home: Path) -> frozenset[str]:
    """Names of the sweeps that a home folder keeps a study of."""
    folder = home / "sweeps"
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()


def _folders(package: str) -> list[Path]:
    spec = importlib.util.find_spec(package)
    assert spec is not None
    return [Path(location) for location in spec.submodule_search_locations or ()]


def _read_plugin(name: str, path: Path, attribute: str) -> Plugin:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    doc = ast.get_docstring(tree) or ""
    summary = " ".join(doc.partition("\n\n")[0].split())
    return Plugin(name, summary, doc, tuple(_options(tree, attribute)))


def _options(tree: ast.Module, attribute: str) -> Iterator[Option]:
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    exported = next(
        (
            node.value.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            and isinstance(node.value, ast.Name)
            and any(isinstance(to, ast.Name) and to.id == attribute for to in node.targets)
        ),
        "",
    )
    body = classes[exported].body if exported in classes else []
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        annotation = ast.unparse(node.annotation)
        if node.target.id == "name" or annotation.startswith("ClassVar"):
            continue
        default = None if node.value is None else _default(node.value)
        kind = ", ".join([annotation, *_bounds(node.value)])
        yield Option(node.target.id, kind, default, _docstring(after))


_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}


def _bounds(node: ast.expr | None) -> list[str]:
    if not isinstance(node, ast.Call):
        return []
    return [
        f"{_SIGNS[word.arg]} {ast.unparse(word.value)}"
        for word in node.keywords
        if word.arg in _SIGNS
    ]


def _default(node: ast.expr) -> str | None:
    if not (isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Field")):
        return ast.unparse(node)
    given = [word.value for word in node.keywords if word.arg == "default"] or node.args[:1]
    if not given or ast.unparse(given[0]) == "...":
        factories = [word.value for word in node.keywords if word.arg == "default_factory"]
        return f"{ast.unparse(factories[0])}()" if factories else None
    return ast.unparse(given[0])


def _docstring(node: ast.stmt | None) -> str:
    if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
        return ""
    return " ".join(str(node.value.value).split())


def _first_comment(text: str) -> str:
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").rstrip())
    return " ".join(line for line in lines if line)
