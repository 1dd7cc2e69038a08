"""Other people's data, which tests are held against and which are not part of the project.

A test asks for each piece by name, ``@outside("wmt22")``, and is skipped where that is not there.
The last lines of a run say how many were, for want of what, and where to get it.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

VARIABLE = "HARNESS_TEST_DATA"
"""Environment variable that names the folder of all pieces."""
DATA = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared/data")
PIECES = {
    "alma": "human_written_data of github.com/fe1ixxu/ALMA",
    "comet_tests": "tests/data of github.com/Unbabel/COMET",
    "fastchat": "fastchat/llm_judge/data of github.com/lm-sys/FastChat",
    "gsm8k": "grade_school_math/data of github.com/openai/grade-school-math",
    "ifeval": "instruction_following_eval/data of github.com/google-research/google-research",
    "instructions": "databricks-dolly-15k, the first 2,000",
    "multijail": "github.com/DAMO-NLP-SG/multilingual-safety-for-LLMs",
    "ntrex": "NTREX-128 of github.com/MicrosoftTranslator/NTREX",
    "sacrebleu": "test cases of github.com/mjpost/sacrebleu",
    "tatoeba_tha_eng": "manythings.org/anki",
    "transllm": "github.com/hy5468/TransLLM",
    "wmt22": "github.com/wmt-conference/wmt22-news-systems",
    "wmt24": "github.com/wmt-conference/wmt24-news-systems",
    "xstest": "github.com/paul-rottger/xstest",
    "benchmarks": "docs/benchmarks.md",
}
"""Where each is from: a folder of ``DATA``; those of ``benchmarks`` lie as that page says."""
_WANTING = "outside data: "

outside = pytest.mark.outside
"""Marks what needs the pieces it names."""


def skip_without(*names: str) -> None:
    """Skips the test that runs unless these pieces are there."""
    assert PIECES.keys() >= set(names)
    lacking = [name for name in names if not (DATA / name).is_dir()]
    if lacking:
        skip(*lacking)


def skip(*names: str, reason: str = "") -> None:
    """Skips the test that runs for want of these pieces."""
    pytest.skip("\n".join(filter(None, (f"{_WANTING}{' '.join(names)}", reason))))


def summary(reasons: Iterable[str]) -> Iterator[str]:
    """How many tests were skipped for want of what, from the reasons of all that were skipped."""
    firsts = (reason.removeprefix("Skipped: ").partition("\n")[0] for reason in reasons)
    lacking = [text.removeprefix(_WANTING).split() for text in firsts if text.startswith(_WANTING)]
    if not lacking:
        return
    yield f"{len(lacking)} tests skipped for want of data outside the project ({VARIABLE}: {DATA})"
    for name, count in sorted(Counter(name for names in lacking for name in names).items()):
        yield f"  {count} of {name}: {PIECES[name]}"
