"""What there is to choose from: plug-ins and sweeps, read from their files without running them.

The text shown is the text in the source: the docstring of a plug-in's module, and the one under
each option. Reading it from the syntax tree keeps ``harness list`` free of every heavy import.
"""

import ast
import importlib.util
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.settings.plugins import KINDS, names


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of a plug-in; ``default`` is None where it must be given."""

    name: str
    type: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Plugin:
    """A variant or a metric: its name, what its module says, its settings."""

    name: str
    summary: str
    description: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class SweepFile:
    """A sweep's YAML: its first comment lines, and the first paragraph of them, the question."""

    name: str
    path: Path
    question: str
    about: str


def plugins(kind: str) -> tuple[Plugin, ...]:
    """All of a kind (``variant``, ``metric``), sorted by name."""
    return tuple(_read_plugin(name, *KINDS[kind]) for name in names(kind))


def sweep_files(folder: Path) -> tuple[SweepFile, ...]:
    """The sweeps of a folder, sorted by name."""
    files = []
    for path in sorted(folder.glob("*.yaml")):
        about = _first_comment(path.read_text(encoding="utf-8"))
        question = " ".join(re.split(r"\n\n|\nCost:", about)[0].split())
        files.append(SweepFile(path.stem, path, question, about))
    return tuple(files)


def sweeps_begun(home: Path) -> frozenset[str]:
    """Names of the sweeps that a home folder keeps a study of."""
    folder = home / "sweeps"
    return frozenset(path.name for path in folder.iterdir()) if folder.is_dir() else frozenset()


def _read_plugin(name: str, package: str, attribute: str) -> Plugin:
    tree = _tree_of(f"{package}.{name}")
    doc = ast.get_docstring(tree) or ""
    summary = " ".join(doc.partition("\n\n")[0].split())
    exported = _exported(tree, attribute)
    about = "" if exported is None else ast.get_docstring(exported) or ""
    options = {} if exported is None else {one.name: one for one in _options(tree, exported)}
    return Plugin(name, summary, f"{doc}\n\n{about}".strip(), tuple(options.values()))


def _tree_of(module: str) -> ast.Module:
    spec = importlib.util.find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return ast.parse(Path(spec.origin).read_text(encoding="utf-8"))


def _exported(tree: ast.Module, attribute: str) -> ast.ClassDef | None:
    """The class that ``METRIC = ClassName`` names."""
    for node in tree.body:
        match node:
            case ast.Assign([ast.Name(id=name)], ast.Name(id=owner)) if name == attribute:
                return _class_named(tree, owner)
    return None


def _class_named(tree: ast.Module, name: str) -> ast.ClassDef | None:
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    return next(classes, None)


def _options(tree: ast.Module, owner: ast.ClassDef) -> Iterator[Option]:
    """Those it inherits, then its own."""
    for base in owner.bases:
        if isinstance(base, ast.Name):
            yield from _inherited(tree, base.id)
    body = owner.body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
            continue
        annotation = ast.unparse(node.annotation)
        if node.target.id == "name" or annotation.startswith("ClassVar"):
            continue
        default = None if node.value is None else _default(node.value)
        kind = ", ".join([annotation, *_bounds(node.value)])
        yield Option(_alias(node.value) or node.target.id, kind, default, _docstring(after))


def _inherited(tree: ast.Module, name: str) -> Iterator[Option]:
    base = _class_named(tree, name)
    if base is not None:
        yield from _options(tree, base)
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and name in [alias.name for alias in node.names]:
            module = node.module or ""
            if module.startswith("harness."):
                yield from _inherited(_tree_of(module), name)


def _alias(node: ast.expr | None) -> str | None:
    """What files call it, where that is not its name in Python."""
    words = node.keywords if isinstance(node, ast.Call) else []
    return next((str(ast.literal_eval(word.value)) for word in words if word.arg == "alias"), None)


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
    return "\n".join(lines).strip()
