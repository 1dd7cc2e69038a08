"""The README's commands are run, its claims of size and place are checked."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
LINES = [
    line.partition("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.partition("#")[0].strip()
]
# What takes minutes or does not end is shown to parse and to plan; make's targets are run by CI.
SHORTENED = {"sweep": ["--dry-run"], "ui": ["--help"]}


def harness_commands() -> list[str]:
    return [line for line in LINES if line.startswith("harness ")]


def test_it_stays_short():
    assert len(README.splitlines()) < 200


def test_the_make_targets_it_names_exist():
    targets = [line.split()[1] for line in LINES if line.startswith("make ")]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert {"sweep", "test"} <= set(targets)
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)


def test_the_files_and_pictures_it_names_exist():
    named = re.findall(r"\]\((?!http)([^)]+)\)", README)
    named += re.findall(r"`((?:harness|benchmarks|sweeps|tests)/[\w./-]+)`", README)
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("command", harness_commands())
def test_a_command_of_it_runs(command, tmp_path):
    program, name, *rest = shlex.split(command)
    extra = [option for option in SHORTENED.get(name, []) if option not in rest]
    expanded = [
        str(path) for word in rest for path in (sorted(ROOT.glob(word)) if "*" in word else [word])
    ]
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), name, *expanded, *extra],
        cwd=ROOT,
        env={
            **os.environ,
            "HARNESS_HOME": str(tmp_path / "home"),
            "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_its_file_map_has_every_room():
    block = README.partition("## Files\n")[2].partition("```\n")[2].partition("```")[0]
    inside = [line for line in block.splitlines() if line.startswith("  ")]
    named = {word for line in inside for word in re.split(r"\s{2,}", line.strip())[0].split()}
    package = ROOT / "harness"
    folders = {f"{path.parent.name}/" for path in package.glob("*/__init__.py")}
    assert named >= folders
    assert [name for name in named if not (package / name).exists()] == []
