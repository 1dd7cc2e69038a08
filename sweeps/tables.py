"""Puts the tables into results, each from the archives of the sweeps.

    python sweeps/tables.py sweeps/results/claims.md

Every archive in the folder called as the file, `sweeps/results/claims`, is unpacked into one home
folder. A comment in the text says which table follows it: `<!-- claims_world1: The front -->` that
of the section so called in the sweep's report (`harness report`), `<!-- harness compare ... -->`
that of the command.
"""

import functools
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

_PLACE = re.compile(r"(<!-- (.+?) -->\n)(?:\|.*\n)*")
_COMMAND = "harness compare "


def tables_of(results: Path, folder: Path) -> Callable[[str], str]:
    """What gives the table that a comment names, from the results' archives, in an empty folder."""
    home = folder / "home"
    for path in sorted(results.with_suffix("").glob("*.tar.xz")):
        with tarfile.open(path) as archive:
            archive.extractall(home, filter="data")

    @functools.cache
    def report(sweep: str) -> str:
        _run(["report", sweep, "--home", str(home), "--output", str(folder / sweep)])
        return (folder / sweep / "report.md").read_text(encoding="utf-8")

    def named(comment: str) -> str:
        if comment.startswith(_COMMAND):
            to = folder / "compared.md"
            _run(["compare", *shlex.split(comment.removeprefix(_COMMAND)), "--home", str(home)], to)
            return table(to.read_text(encoding="utf-8"), "Comparison")
        sweep, _, title = comment.partition(": ")
        return table(report(sweep), title)

    return named


def _run(arguments: list[str], markdown: Path | None = None) -> None:
    to = [] if markdown is None else ["--markdown", str(markdown)]
    command = [sys.executable, "-m", "harness", *arguments, *to, "--quiet"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def filled(text: str, named: Callable[[str], str]) -> str:
    """The text with its table behind every comment that names one."""
    return _PLACE.sub(lambda place: place[1] + named(place[2]), text)


def table(markdown: str, title: str) -> str:
    """The table of the one section whose title begins so."""
    sections = re.split(r"^## ", markdown, flags=re.MULTILINE)[1:]
    (section,) = [section for section in sections if section.startswith(title)]
    return "".join(line for line in section.splitlines(True) if line.startswith("|"))


def main() -> None:
    for name in sys.argv[1:]:
        results = Path(name)
        text = results.read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as folder:
            text = filled(text, tables_of(results, Path(folder)))
        results.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
