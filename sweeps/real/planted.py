r"""Hides near copies of NTREX in training text of the same language: is just that found?

    python sweeps/real/planted.py DATA OUT
    harness data OUT/planted-th.tsv --source-lang en --target-lang th \
      --against translation/ntrex_en_th_test

Writes `planted-th.tsv` (Tatoeba's English-Thai pairs) and `planted-zh.tsv` (ALMA's English-Chinese
text), each with 50 rows of NTREX whose last tenth was cut off; beside those stands no English, so
that nothing but the Thai or the Chinese can be found.
"""

import gzip
import sys
from pathlib import Path

PLANTED, SHORTEST = 50, 60


def lines(path: Path) -> list[str]:
    """The lines of a file, unpacked."""
    read = path.read_bytes()
    text = (gzip.decompress(read) if path.suffix == ".gz" else read).decode("utf-8-sig")
    return text.removesuffix("\n").split("\n")


def near_copies(path: Path) -> list[str]:
    """Some of a file's longer lines, evenly spread, without their last tenth."""
    long = [line for line in lines(path) if len(line) >= SHORTEST]
    return [line[: -(len(line) // 10)].rstrip() for line in long[:: len(long) // PLANTED][:PLANTED]]


def write(path: Path, background: list[tuple[str, str]], planted: list[str]) -> None:
    """A corpus, the planted rows spread over it."""
    step = len(background) // len(planted)
    rows = list(background)
    for number, text in reversed(list(enumerate(planted))):
        rows.insert(number * step, ("-", text))
    written = [f"{source}\t{target}\n" for source, target in rows]
    path.write_text("source\ttarget\n" + "".join(written), encoding="utf-8", newline="\n")
    print(f"{path.name}: {len(rows)} rows, {len(planted)} of them planted")


def main(data: str, out: str) -> None:
    folder, corpora = Path(data), Path(out)
    corpora.mkdir(parents=True, exist_ok=True)
    ntrex = folder / "ntrex"
    rows = (row.split("\t") for row in lines(folder / "tatoeba_tha_eng/tha.txt"))
    pairs = [(row[0], row[1]) for row in rows]
    write(corpora / "planted-th.tsv", pairs, near_copies(ntrex / "newstest2019-ref.tha.txt"))
    alma = folder / "alma/zhen"
    sides = (lines(alma / f"train.zh-en.{side}.gz") for side in ("en", "zh"))
    pairs = [
        (source.replace("\t", " "), target.replace("\t", " "))
        for source, target in zip(*sides, strict=True)
    ]
    write(corpora / "planted-zh.tsv", pairs, near_copies(ntrex / "newstest2019-ref.zho-CN.txt"))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
