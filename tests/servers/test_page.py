"""The page on servers: its YAML is read, its settings are all there are."""

import re
from pathlib import Path

import pytest
import yaml

from harness.models.teachers import ServedSpec, teacher
from harness.servers.spec import ServerSpec
from harness.settings.spec import Spec, validate
from harness.variants.shared.parts import VariantField

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/servers.md").read_text(encoding="utf-8")


class Page(Spec):
    """What a block of the page is a part of."""

    variant: VariantField


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL))
def test_its_yaml_names_a_teacher_behind_a_server(block):
    variant = validate(Page, yaml.safe_load(block), "docs/servers.md").variant
    (settings,) = variant.teachers.values()
    assert isinstance(teacher(settings), ServedSpec)


def test_its_table_has_every_setting_and_its_default():
    rows = re.findall(r"^\| `(\w+)` \|.*\| ?([^|]*?) ?\|$", TEXT, re.MULTILINE)
    fields = ServerSpec.model_fields
    assert [name for name, _ in rows] == list(fields)
    numbers = {name: float(default) for name, default in rows if default.isdigit()}
    assert numbers == {name: fields[name].default for name in ("parallel", "timeout_s", "retries")}


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", TEXT))
def test_its_links_lead_somewhere(link):
    assert (ROOT / "docs" / link).is_file()
