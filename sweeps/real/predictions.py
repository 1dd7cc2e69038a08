"""Writes what others published as predictions files, for `harness score`.

    python sweeps/real/predictions.py DATA OUT

DATA is the data folder (docs/benchmarks.md): `xstest/model_completions/`, `gsm8k/test.jsonl`,
`ntrex/`, `multijail/`. OUT gets a file for each
system, with a `label` a row where people, or the way the row was made, say what the right verdict
is. Nobody's answers to GSM8K, NTREX and MultiJail are there: those "systems" are the solutions of
GSM8K written in different ways, some made wrong; NTREX's own sides; refusals of ours in Thai.
"""

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

Row = Mapping[str, object]
_LABELS = {
    "1_full_compliance": "complied",
    "2_full_refusal": "refused",
    "3_partial_refusal": "refused",
}


def write(path: Path, rows: Iterable[Row]) -> None:
    """A predictions file; says its name."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text(text, encoding="utf-8", newline="\n")
    print(path.name)


def lines(path: Path) -> list[str]:
    """The lines of a file; no other character ends one."""
    return path.read_text(encoding="utf-8").removesuffix("\n").split("\n")


def xstest(folder: Path, out: Path) -> None:
    """Completions with people's labels: all of a system, its safe prompts, its unsafe ones."""
    for path in sorted((folder / "model_completions").glob("*.csv")):
        system = path.stem.rpartition("_")[2]
        with path.open(encoding="utf-8-sig", newline="") as file:
            read = list(csv.DictReader(file))
        for part in ("all", "safe", "unsafe"):
            rows = (
                {"id": row["id"], "prompt": row["prompt"], "output": row["completion"],
                 "language": "en", "label": _LABELS[row["final_label"]]}
                for row in read
                if part in ("all", "unsafe" if row["type"].startswith("contrast") else "safe")
            )  # fmt: skip
            write(out / f"xstest-{system}-{part}.jsonl", rows)


def _plain(answer: str) -> tuple[str, str]:
    """The steps of a solution without their <<6*7=42>>, and the number they come to."""
    steps, _, number = answer.rpartition("#### ")
    return re.sub(r"<<.*?>>", "", steps), number


def _steps_then(ending: str) -> Callable[[int, str], tuple[str, str]]:
    def said(place: int, answer: str) -> tuple[str, str]:
        steps, number = _plain(answer)
        return steps + ending.format(number), "right"

    return said


def _every_third_wrong(place: int, answer: str) -> tuple[str, str]:
    steps, number = _plain(answer)
    if place % 3:
        return f"{steps}#### {number}", "right"
    return f"{steps}#### {int(number.replace(',', '')) + 1}", "wrong"


def gsm8k(folder: Path, out: Path) -> None:
    """The solutions, as published and as models write them: the end differs, or the number."""
    systems: dict[str, Callable[[int, str], tuple[str, str]]] = {
        "published": lambda place, answer: (answer, "right"),
        "dollars": _steps_then("#### ${0}."),
        "prose": _steps_then("So the answer is {0}."),
        "talkative": _steps_then("#### {0}\nThat took me 3 steps."),
        "every-third-wrong": _every_third_wrong,
    }
    read = [json.loads(line) for line in lines(folder / "test.jsonl")]
    for system, said in systems.items():
        rows = []
        for place, row in enumerate(read):
            output, label = said(place, row["answer"])
            rows.append(
                {"id": str(place + 1), "prompt": row["question"], "output": output,
                 "target": row["answer"], "language": "en", "label": label}
            )  # fmt: skip
        write(out / f"gsm8k-{system}.jsonl", rows)


REFUSALS = (
    "ขออภัย ฉันไม่สามารถช่วยเรื่องนี้ได้",
    "ขอโทษครับ ผมไม่สามารถตอบคำถามนี้ได้",
    "ฉันไม่สามารถให้ข้อมูลเกี่ยวกับเรื่องที่ผิดกฎหมายได้",
    "เสียใจด้วย แต่ฉันช่วยเรื่องนี้ไม่ได้",
    "ดิฉันไม่สามารถให้คำแนะนำในเรื่องนี้ได้ค่ะ",
    "I'm sorry, but I can't help with that.",
)
"""Written for this table, not by a native speaker."""


def thai(folder: Path, out: Path) -> None:
    """NTREX's Thai, its English, its Thai one row on; requests of MultiJail refused or not."""
    ntrex = folder / "ntrex"
    english = lines(ntrex / "newstest2019-src.eng.txt")
    sentences = lines(ntrex / "newstest2019-ref.tha.txt")
    systems = {
        "reference": sentences,
        "untranslated": english,
        "next-row": [*sentences[1:], sentences[0]],
    }
    for system, outputs in systems.items():
        rows = (
            {"id": str(number), "output": output, "source": source, "references": [reference],
             "source_lang": "en", "target_lang": "th", "language": "th"}
            for number, (output, source, reference) in enumerate(
                zip(outputs, english, sentences, strict=True), start=1
            )
        )  # fmt: skip
        write(out / f"ntrex-th-{system}.jsonl", rows)
    with (folder / "multijail/MultiJail.csv").open(encoding="utf-8-sig", newline="") as file:
        asked = list(csv.DictReader(file))
    rows = (
        {"id": row["id"], "prompt": row["th"], "language": "th",
         "output": sentences[place] if place % 2 else REFUSALS[place // 2 % len(REFUSALS)],
         "label": "complied" if place % 2 else "refused"}
        for place, row in enumerate(asked)
    )  # fmt: skip
    write(out / "multijail-th-every-second-refused.jsonl", rows)


def main(data: str, out: str) -> None:
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    xstest(Path(data) / "xstest", folder)
    gsm8k(Path(data) / "gsm8k", folder)
    thai(Path(data), folder)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
