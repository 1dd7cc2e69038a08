"""The architecture page is held against the tree: its rooms, floors, seams, stages, exit codes."""

import ast
import re
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from harness import errors
from harness.settings.plugins import KINDS
from harness.storage import clean

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "harness"
PAGE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in PACKAGE.rglob("*.py")}


def section(title):
    return PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def first_cells(title):
    """What the first column of a section's table names, several to a cell where commas stand."""
    rows = [line for line in section(title).splitlines() if line.startswith("| ")]
    return [name.strip(" `") for row in rows[1:] for name in row.split("|")[1].split(",")]


def classes(path):
    return {node.name: node for node in ast.walk(TREES[path]) if isinstance(node, ast.ClassDef)}


def test_it_names_every_room_and_no_other():
    folders = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    modules = {path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")}
    rooms = first_cells("The rooms")
    assert set(rooms) == folders | modules
    assert len(rooms) == len(set(rooms))


def test_the_floors_drawn_are_those_that_are_kept():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = project["tool"]["importlinter"]["contracts"]
    (drawn,) = re.findall(r"```\n(.*?)```", section("The floors"), re.DOTALL)
    assert drawn.splitlines() == contract["layers"]


def test_it_names_every_seam_and_no_other():
    seams = {
        name
        for name, node in classes(PACKAGE / "protocols.py").items()
        if "Protocol" in map(ast.unparse, node.bases)
    }
    assert sorted(first_cells("The seams")) == sorted(seams)


def test_it_names_the_stages_and_no_other():
    assert sorted(first_cells("The flow")) == sorted(clean.STAGES)


def test_it_names_the_exit_codes_and_no_other():
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")}
    assert {int(cell) for cell in first_cells("Exit codes")} == codes


@pytest.mark.parametrize("kind", KINDS)
def test_it_names_the_folder_of_each_kind_of_plug_in(kind):
    package = KINDS[kind][0].removeprefix("harness.").replace(".", "/")
    assert f"`{package}/`" in section("The seams")


def test_the_modules_it_names_exist():
    paths = re.findall(r"`((?:\w+/)*\w+\.py|(?:\w+/)+)`", PAGE)
    assert len(paths) > 10
    roots = (PACKAGE, PACKAGE / "models", PACKAGE / "metrics", PACKAGE / "training", ROOT)
    written = ("judgements/",)  # by a run, under the home folder
    missing = [
        path
        for path in paths
        if path not in written and not any((root / path).exists() for root in roots)
    ]
    assert missing == []


def test_the_classes_it_names_exist():
    named = set(re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", PAGE))
    defined = {name for path in TREES for name in classes(path)}
    assert len(named) > 15
    assert named <= defined


def test_the_glossary_is_sorted_and_has_each_word_once():
    words = first_cells("Glossary")
    assert len(words) > 40
    assert all(first < second for first, second in pairwise(words))
