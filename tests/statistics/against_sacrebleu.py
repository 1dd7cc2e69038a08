"""Decisions at .05 about systems of WMT beside those of sacreBLEU's own paired test.

    python tests/statistics/against_sacrebleu.py [--trials 10000] [--write]

Whole test sets, random parts of them, and mixtures (a system with half of its lines taken from the
other, whose difference is half as large); BLEU and chrF. sacreBLEU's test is approximate
randomisation (``ar``); where its p lies between .03 and .07 neither is right or wrong. The table
of all is ``against_sacrebleu.md`` beside this. The data are not part of the project: see
``tests/outside.py``.
"""

import argparse
import datetime
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sacrebleu
from sacrebleu.metrics import BLEU, CHRF
from sacrebleu.significance import PairedTest

from harness.evaluation.score_file import OutputReading, Scoring
from harness.evaluation.systems import systems_of_files
from harness.protocols import Services
from harness.statistics.samples import compare_with_last

METRICS = {"bleu": ("BLEU", BLEU), "chrf": ("chrF2", CHRF)}
BORDER = (0.03, 0.07)
SIZES = (50, 100, 200, 400)
PARTS = 4
"""Random parts of each size."""


@dataclass(frozen=True)
class Pair:
    """Two systems on the same lines; ``references`` are one list of lines for each."""

    name: str
    first: tuple[str, ...]
    second: tuple[str, ...]
    references: tuple[tuple[str, ...], ...]

    def part(self, num_lines: int, seed: int) -> "Pair":
        """Random lines of it."""
        chosen = random.Random(seed).sample(range(len(self.first)), num_lines)
        first, second, *references = (
            tuple(lines[n] for n in chosen) for lines in (self.first, self.second, *self.references)
        )
        return Pair(f"{self.name}, part {seed}", first, second, tuple(references))

    def mixed(self, seed: int) -> "Pair":
        """The first system with half of its lines taken from the second."""
        rng = random.Random(seed)
        lines = tuple(rng.choice(both) for both in zip(self.first, self.second, strict=True))
        return Pair(f"{self.name}, half and half {seed}", lines, self.second, self.references)


@dataclass(frozen=True)
class Outcome:
    """The two-sided p-values of a pair by a metric."""

    pair: Pair
    metric: str
    theirs: float
    ours: float

    @property
    def at_the_border(self) -> bool:
        return BORDER[0] <= self.theirs <= BORDER[1]

    @property
    def agree(self) -> bool:
        return self.at_the_border or (self.theirs <= 0.05) == (self.ours <= 0.05)


def whole_pairs(data: Path) -> list[Pair]:
    """Whole test sets: WMT22 en-de, WMT24 en-de with either or both references, and en-es."""

    def read(name: str) -> tuple[str, ...]:
        lines = (data / name).read_text("utf-8").split("\n")[:-1]
        return tuple(lines[1:] if lines[0].startswith("CANARY") else lines)

    old, new = "wmt22/generaltest2022.en-de", "wmt24/system-outputs.en"
    references = {name: read(f"wmt24/references.en-de.ref{name}.txt") for name in "AB"}
    german = (read(f"{new}-de.Unbabel-Tower70B.txt"), read(f"{new}-de.Phi-3-Medium.txt"))
    return [
        Pair(
            "WMT22 en-de, Online-A - Online-B",
            *(read(f"{old}.hyp.Online-{name}.de") for name in "AB"),
            (read(f"{old}.ref.A.de"),),
        ),
        *(
            Pair(f"WMT24 en-de ({name}), Tower70B - Phi-3", *german, lines)
            for name, lines in (
                ("A", (references["A"],)),
                ("B", (references["B"],)),
                ("A and B", (references["A"], references["B"])),
            )
        ),
        Pair(
            "WMT24 en-es, Llama3-70B - Phi-3",
            read(f"{new}-es.Llama3-70B.txt"),
            read(f"{new}-es.Phi-3-Medium.txt"),
            (read("wmt24/references.en-es.refA.txt"),),
        ),
    ]


def all_pairs(data: Path) -> Iterator[Pair]:
    """Whole sets, parts of them and mixtures."""
    for pair in whole_pairs(data):
        yield pair
        yield pair.mixed(0)
        for size in SIZES:
            for seed in range(PARTS):
                part = pair.part(size, seed)
                yield part if seed % 2 else part.mixed(seed)


def outcome(pair: Pair, metric: str, num_trials: int = 10_000) -> Outcome:
    """Both tests of a pair."""
    name, kind = METRICS[metric]
    systems = [("second", list(pair.second)), ("first", list(pair.first))]
    test = PairedTest(
        systems, {name: kind()}, [list(r) for r in pair.references], "ar", n_samples=num_trials
    )
    results = next(value for key, value in test()[1].items() if key != "System")
    return Outcome(pair, metric, results[1].p_value, _own_p_value(pair, metric))


def _own_p_value(pair: Pair, metric: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("first", "second")]
        references = [Path(folder) / f"reference{n}" for n in range(len(pair.references))]
        texts = (pair.first, pair.second, *pair.references)
        for path, lines in zip((*paths, *references), texts, strict=True):
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        reading = OutputReading(references=tuple(references))
        systems = systems_of_files(paths, reading, Scoring([metric], (), Services()))
    (line,), _ = compare_with_last(systems, {})
    assert line.difference.p_value is not None
    return line.difference.p_value


def written(outcomes: list[Outcome], num_trials: int) -> str:
    """As Markdown."""
    counted = [one for one in outcomes if not one.at_the_border]
    differing = [one for one in counted if not one.agree]
    lines = [
        "# Decisions beside sacreBLEU's paired test",
        "",
        f"Made by `python tests/statistics/against_sacrebleu.py --write` on "
        f"{datetime.date.today():%d %B %Y} with sacreBLEU {sacrebleu.__version__}, {num_trials:,} "
        "trials; what is compared stands there.",
        "",
        f"Of {len(outcomes)} comparisons {len(outcomes) - len(counted)} lie at the border (its p "
        f"between .03 and .07); of the others {len(differing)} are decided otherwise at .05, and "
        f"{sum(one.theirs <= 0.05 for one in counted)} are differences.",
        "",
        "| pair | lines | metric | p of sacreBLEU | p of the harness | |",
        "|---|---|---|---|---|---|",
    ]
    for one in outcomes:
        said = "at the border" if one.at_the_border else "" if one.agree else "**differs**"
        lines.append(
            f"| {one.pair.name} | {len(one.pair.first):,} | {one.metric} | {one.theirs:.4f} | "
            f"{one.ours:.4f} | {said} |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    from tests.outside import DATA

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--write", action="store_true", help="write against_sacrebleu.md")
    options = parser.parse_args()
    found = []
    for chosen in all_pairs(DATA):
        for named in METRICS:
            found.append(outcome(chosen, named, options.trials))
            print(found[-1].pair.name, named, found[-1].theirs, found[-1].ours, flush=True)
    text = written(found, options.trials)
    if options.write:
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")
    print(text)
