import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.settings import plugins

PACKAGE = Path(harness.__file__).parent
ROOT = Path(__file__).parents[1]
HEAVY = ("torch", "transformers", "peft", "mlflow", "optuna", "lm_eval", "datasets", "openai")
LIGHT = (
    "harness",
    "harness.cli.main",
    "harness.trial.config",
    "harness.gate",
    "harness.sweep.spec",
    "harness.servers.chat",
)


def imported_by(modules: tuple[str, ...]) -> set[str]:
    code = f"import sys, {', '.join(modules)}; print(*sorted(sys.modules))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


@pytest.mark.parametrize("module", LIGHT)
def test_what_parses_and_prints_is_light_to_import(module):
    assert imported_by((module,)).isdisjoint(HEAVY)


def test_every_variant_is_light_to_import():
    variants = tuple(f"harness.variants.{name}" for name in plugins.names("variant"))
    assert imported_by(variants).isdisjoint(HEAVY)


def test_servers_are_reached_through_one_door():
    imports = re.compile(r"^\s*(?:from|import) (?:openai|httpx2?)\b", re.MULTILINE)
    doors = [path for path in PACKAGE.rglob("*.py") if imports.search(path.read_text())]
    assert [str(path.relative_to(PACKAGE)) for path in doors] == ["servers/client.py"]


def test_imports_go_down_the_floors_only():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_methods_training_and_benchmarks_are_blind_to_each_other():
    # no method reaches a test set by an import; that the contract is kept is the test above
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (floors,) = settings["contracts"]
    assert "variants | training | benchmarks" in floors["layers"]
    assert not floors.keys() & {"ignore_imports", "unmatched_ignore_imports_alerting"}


def test_at_most_six_modules_are_in_no_room():
    loose = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= 6, loose


def test_a_module_of_ours_is_imported_by_a_name_that_is_computed_in_four_places_only():
    computed, written = set(), []
    for path in PACKAGE.rglob("*.py"):
        for name in names_imported(path):
            if not isinstance(name, ast.Constant):
                computed.add(str(path.relative_to(PACKAGE)))
            elif str(name.value).startswith("harness"):
                written.append(f"{path}:{name.lineno}")
    assert written == [], "an import that neither the linter nor an editor sees"
    libraries = {"doctor/configured.py", "doctor/machine.py"}
    ours = {"__init__.py", "cli/main.py", "settings/plugins.py", "sweep/worker.py"}
    assert computed - libraries == ours


def names_imported(path: Path) -> Iterator[ast.expr]:
    """What ``importlib.import_module`` is given in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            yield node.args[0]


def test_the_public_names_are_sorted_and_importable():
    assert harness.__all__ == sorted(harness.__all__)
    for name in harness.__all__:
        assert getattr(harness, name).__name__ == name


def test_one_place_knows_where_data_outside_the_project_are():
    tests = Path(__file__).parent
    named = [path for path in tests.rglob("*.py") if "shared/" + "data" in path.read_text()]
    assert [path.name for path in named] == ["outside.py"]


def test_package_files_are_empty_but_for_the_root():
    files = set(PACKAGE.rglob("__init__.py")) - {PACKAGE / "__init__.py"}
    assert [str(file) for file in files if file.read_text().strip()] == []
