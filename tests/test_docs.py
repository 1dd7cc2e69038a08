"""The pages for people: their links lead somewhere, the files they name are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / ".github").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "sweeps" / "results").glob("*.md")),
    ROOT / "harness" / "pocket" / "README.md",
]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in (ROOT / "harness").rglob("*.py")
}


def anchors(page):
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_its_links_lead_somewhere(page):
    links = re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text(encoding="utf-8"))
    for link in links:
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_files_and_modules_it_names_exist(page):
    text = page.read_text(encoding="utf-8")
    paths = re.findall(r"`((?:harness|tests|docs|benchmarks|sweeps)/[\w./-]+)`", text)
    missing = [path for path in paths if not (ROOT / path).exists()]
    # the last are a reader's own
    assert [path for path in missing if "NAME" not in path and "/mine/" not in path] == []
    modules = re.findall(r"python -m (harness(?:\.\w+)+)", text)
    assert [module for module in modules if module not in MODULES] == []
