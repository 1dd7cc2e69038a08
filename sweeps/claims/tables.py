"""Puts the tables into `sweeps/results/claims.md`, each from the archive of its sweep.

    python sweeps/claims/tables.py

Every archive under `sweeps/results/claims` is unpacked into one home folder and its sweep reported
(`harness report`). A comment in the text, `<!-- claims_world1: At matched translation -->`, is
followed by the table of the section of that report whose title begins so.
"""

import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "results/claims.md"
ARCHIVES = RESULTS.with_suffix("")
_PLACE = re.compile(r"(<!-- (\w+): (.+?) -->\n)((?:\|.*\n)*)")


def reports(folder: Path) -> dict[str, str]:
    """The report of each archived sweep by its name, made in an empty folder."""
    home = folder / "home"
    for path in sorted(ARCHIVES.glob("*.tar.xz")):
        with tarfile.open(path) as archive:
            archive.extractall(home, filter="data")
    made: dict[str, str] = {}
    for sweep in sorted((home / "sweeps").iterdir()):
        to = folder / sweep.name
        command = [sys.executable, "-m", "harness", "report", sweep.name]
        command += ["--home", str(home), "--output", str(to), "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        made[sweep.name] = (to / "report.md").read_text(encoding="utf-8")
    return made


def filled(text: str, made: dict[str, str]) -> str:
    """The text with the table that stands in a report behind every comment that names one."""

    def put(place: re.Match[str]) -> str:
        comment, sweep, title, _ = place.groups()
        return comment + table(made[sweep], title)

    return _PLACE.sub(put, text)


def table(report: str, title: str) -> str:
    """The table of the one section of a report whose title begins so."""
    sections = re.split(r"^## ", report, flags=re.MULTILINE)[1:]
    (section,) = [section for section in sections if section.startswith(title)]
    return "".join(line for line in section.splitlines(True) if line.startswith("|"))


def main() -> None:
    text = RESULTS.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        RESULTS.write_text(filled(text, reports(Path(folder))), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
