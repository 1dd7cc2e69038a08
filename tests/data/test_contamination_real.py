"""Real training text against real test sets: what is known to be in it is found, and nothing else.

ALMA's German-English file holds the English side of NTREX-128 (WMT19's source text); WMT22 came
after everything in it.
"""

import gzip
from itertools import chain

import pytest

from harness.data.contamination import TrainingText, find_overlaps
from tests.outside import DATA, outside

pytestmark = pytest.mark.slow


def lines(name):
    data = (DATA / name).read_bytes()
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode("utf-8-sig")
    return text.removesuffix("\n").split("\n")


def texts(name):
    found = enumerate(lines(name), start=1)
    return [TrainingText(f"{name}:{number}", text, "text") for number, text in found]


def items(*names):
    return [
        {"id": str(number), "source": source, "references": references}
        for number, (source, *references) in enumerate(zip(*map(lines, names), strict=True))
    ]


def num_exact(overlap):
    return sum(match.kind == "exact" for match in overlap.matches)


@outside("alma", "ntrex", "wmt22")
def test_what_is_in_alma_is_found_and_what_is_not_is_not():
    german = texts("alma/deen/train.de-en.de.gz")
    english = texts("alma/deen/train.de-en.en.gz")
    found = find_overlaps(
        chain(german, english),
        {
            "ntrex_en": items("ntrex/newstest2019-src.eng.txt"),
            "ntrex_de": items("ntrex/newstest2019-ref.deu.txt"),
            "wmt22": items(
                "wmt22/generaltest2022.de-en.src.de", "wmt22/generaltest2022.de-en.ref.A.en"
            ),
        },
    )
    assert found["ntrex_en"].num_items == 1997
    assert num_exact(found["ntrex_en"]) == 1997
    assert found["wmt22"].num_items == 1984
    assert found["wmt22"].matches == ()
    # 33 in the German side; one more is a headline NTREX left in English, in the English side
    exact = [match for match in found["ntrex_de"].matches if match.kind == "exact"]
    assert sum(".de.gz" in match.training_id for match in exact) == 33
    assert [match.text for match in exact if ".en.gz" in match.training_id] == [
        "Elite League: Dundee Stars 5-3 Belfast Giants"
    ]


@outside("ntrex")
@pytest.mark.parametrize("language", ["tha", "zho-CN"])
def test_near_copies_are_found_in_thai_and_chinese(language):
    rows = [text for text in lines(f"ntrex/newstest2019-ref.{language}.txt") if len(text) > 60]
    half = len(rows) // 2
    cut = [
        TrainingText(str(number), text[: -(len(text) // 10)], "text")
        for number, text in enumerate(rows[:half])
    ]
    asked = [{"id": str(n), "source": text} for n, text in enumerate(rows)]
    overlap = find_overlaps(cut, {"ntrex": asked})["ntrex"]
    found = {int(match.item_id): match for match in overlap.matches}
    assert len(found) >= 0.98 * half  # where Latin names make up much of a row, a tenth is more
    assert set(found) <= set(range(half))
    assert {match.kind for match in found.values()} == {"near"}
