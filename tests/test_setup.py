import importlib.util
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = ("requirements.lock", "requirements-comet.lock")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = SETTINGS["optional-dependencies"]
WANTED = {
    "requirements.lock": SETTINGS["dependencies"] + EXTRAS["dev"],
    "requirements-comet.lock": EXTRAS["comet"],
}
SET_UP_FILES = (*LOCKS, "pyproject.toml", "Makefile", ".pre-commit-config.yaml", ".ci/run")


def locked(lock: str) -> dict[str, Requirement]:
    lines = [line.partition("#")[0].strip() for line in (ROOT / lock).read_text().splitlines()]
    found = [Requirement(line) for line in lines if line]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def load_environment_script():
    spec = importlib.util.spec_from_file_location("environment", ROOT / ".setup" / "environment.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_holds_every_dependency_at_or_above_its_floor(lock):
    packages = locked(lock)
    for wanted in map(Requirement, WANTED[lock]):
        name = canonicalize_name(wanted.name)
        assert name in packages, f"{lock}: {name} is missing"
        if name == "torch":
            assert packages[name].specifier == wanted.specifier
        else:
            version = str(packages[name].specifier).removeprefix("==")
            assert wanted.specifier.contains(version), f"{lock}: {name} {version}, wanted {wanted}"


@pytest.mark.parametrize("lock", LOCKS)
def test_everything_but_torch_is_pinned_and_torch_brings_its_own_companions(lock):
    packages = locked(lock)
    loose = [n for n, p in packages.items() if [s.operator for s in p.specifier] != ["=="]]
    assert loose == ["torch"]
    assert not [name for name in packages if re.match(r"nvidia|cuda|triton", name)]
    assert not [p for p in packages.values() if "+" in str(p.specifier) or p.url]


def test_every_dependency_has_a_floor():
    for wanted in map(Requirement, SETTINGS["dependencies"] + EXTRAS["dev"]):
        assert any(part.operator in (">=", "==") for part in wanted.specifier), wanted


def test_no_file_of_the_set_up_names_a_package_registry():
    scripts = [str(path.relative_to(ROOT)) for path in (ROOT / ".setup").glob("environment*")]
    for name in (*SET_UP_FILES, *scripts):
        text = (ROOT / name).read_text()
        found = re.search(r"index-url|find-links|file://|pypi\.org|pythonhosted|/simple\b", text)
        assert found is None, f"{name}: {found}"


def test_the_makefile_has_the_words_of_the_readme():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("setup", "sweep", "test", "check", "pocket", "ui", "clean"):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_a_failed_installation_names_the_package_and_what_to_do():
    said = (
        "Collecting numpy==2.4.6\nCollecting peft==99\n"
        "ERROR: Could not find a version that satisfies the requirement peft==99\n"
        "ERROR: No matching distribution found for peft==99\n"
    )
    message = load_environment_script().explain(Path(".venv"), said, Path(".venv/install.log"))
    assert "peft==99" in message
    assert "check the network" in message
    assert ".venv/install.log" in message


def test_a_full_disk_is_named_as_the_cause():
    said = "Collecting torch\nERROR: Could not install packages: [Errno 28] No space left on device"
    message = load_environment_script().explain(Path(".venv"), said, Path("log"))
    assert "torch" in message
    assert "disk is full" in message


def test_progress_counts_packages_of_the_lock():
    script = load_environment_script()
    assert script.progress("", 3) == "starting"
    assert script.progress("Collecting a==1\nCollecting b==2\n", 3) == "collected 2 of 3, now b==2"
    assert (
        script.progress("Collecting a\nInstalling collected packages: a", 3) == "writing the files"
    )


@pytest.fixture
def project_with_an_empty_lock(tmp_path):
    project = tmp_path / "path with spaces"
    shutil.copytree(ROOT / ".setup", project / ".setup")
    (project / "pyproject.toml").write_text("")
    (project / "small.lock").write_text("# nothing\n")
    return project


def make_environment(project, **variables):
    command = [str(project / ".setup" / "environment"), ".venv", "small.lock"]
    variables = {"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", **variables}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_an_environment_is_made_once_and_again_only_for_a_changed_lock(project_with_an_empty_lock):
    project = project_with_an_empty_lock
    code, said = make_environment(project)
    assert (code, "ready after" in said) == (0, True)
    assert make_environment(project) == (0, "")

    (project / ".venv" / "packages-made-from").unlink()  # as an interrupted installation leaves it
    assert "ready after" in make_environment(project)[1]

    (project / "small.lock").write_text("no-such-package-anywhere==1\n")
    code, said = make_environment(project)
    assert code == 2
    assert "no-such-package-anywhere==1" in said
    assert "what to do" in said


def test_a_python_that_does_not_run_is_passed_over_and_none_at_all_is_explained(tmp_path):
    project = tmp_path / "project"
    shutil.copytree(ROOT / ".setup", project / ".setup")
    broken = tmp_path / "bin" / "python3.11"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\nexit 127\n")
    broken.chmod(0o755)
    for tool in ("sh", "dirname", "cat"):
        (broken.parent / tool).symlink_to(shutil.which(tool))
    code, said = make_environment(project, PATH=str(broken.parent))
    assert code == 2
    assert "apt-get install python3.11" in said
    code, said = make_environment(project, PATH=str(broken.parent), PYTHON=str(broken))
    assert code == 2
    assert f"PYTHON={broken}" in said
