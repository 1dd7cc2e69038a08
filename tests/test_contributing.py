"""What contributors are told is checked: its commands and files are there, its forms are valid."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

from harness.cli.main import COMMANDS
from harness.settings.plugins import KINDS

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
GUIDE = (GITHUB / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
FORMS = sorted(
    set((GITHUB / "ISSUE_TEMPLATE").glob("*.yml")) - {GITHUB / "ISSUE_TEMPLATE/config.yml"}
)


def parsed(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands():
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL)
    lines = [line.partition("#")[0].split() for block in blocks for line in block.splitlines()]
    return [words for words in lines if words]


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_a_command_of_the_guide_exists(words):
    program, *rest = words
    if program == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{rest[0]}:", makefile, re.MULTILINE)
    elif program == "harness":
        assert rest[0] in COMMANDS
    else:
        assert (ROOT / program).is_file()


@pytest.mark.parametrize("kind", KINDS)
def test_the_guide_says_how_to_add_each_kind_of_plug_in(kind):
    package, attribute = KINDS[kind]
    assert f"`{package.replace('.', '/')}/NAME.py`" in GUIDE
    assert f"`{attribute} = ...`" in GUIDE


def test_ci_runs_what_a_developer_runs():
    workflow = parsed(GITHUB / "workflows/ci.yml")
    (job,) = workflow["jobs"].values()
    assert job["runs-on"].startswith("ubuntu")
    assert job["timeout-minutes"] == 90
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    (python,) = [step["with"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
    assert python["python-version"] == "3.11"
    assert python["cache"] == "pip"
    assert all((ROOT / lock).is_file() for lock in python["cache-dependency-path"].split())


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_is_whole(path):
    form = parsed(path)
    assert form["name"]
    assert form["description"]
    ids = [field["id"] for field in form["body"]]
    assert len(ids) == len(set(ids))
    assert {field["type"] for field in form["body"]} <= {"textarea", "input", "dropdown"}
    assert all(field["attributes"]["label"] for field in form["body"])


def test_there_are_forms_for_bugs_wrong_numbers_and_additions():
    assert {path.stem for path in FORMS} == {"bug", "wrong_number", "addition"}


def test_the_citation_is_of_this_version():
    citation = parsed(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert citation["title"] == PROJECT["name"]
    assert citation["version"] == PROJECT["version"]
    assert citation["license"] == PROJECT["license"]
    assert citation["abstract"] == PROJECT["description"]
    assert citation["message"]
    assert all("name" in author for author in citation["authors"])
