"""A million rows with a bad one of each kind: read, the bad ones counted and named."""

from collections import Counter

import pytest

from harness.data.readers import read_pairs
from harness.data.spec import CorpusSpec

NUM_ROWS = 1_000_000
BAD = {
    "malformed": b"one\ttwo\tthree",
    "undecodable": b"Gr\xfc\xdfe\tHello",
    "empty": b"\xe2\x80\x8b\tnothing to be seen",
    "garbled": b"a bell \x07 rings\teine Glocke",
    "markup": b"a <b>bold</b> word\tein fettes Wort",
    "duplicates": b"House number 0 stands there\tHaus Nummer 0 steht dort",
    "copied": b"Berlin, Paris\tBerlin, Paris",
    "long": b"a" * 2001 + b"\t" + b"b" * 1900,
    "lopsided": b"Yes.\tJa, und dann kam noch sehr viel mehr dazu.",
}


@pytest.mark.slow
def test_of_a_million_rows_the_bad_ones_are_left_out_and_named(tmp_path):
    bad = {1000 * place: row for place, row in enumerate(BAD.values(), start=1)}
    with (tmp_path / "c.tsv").open("wb") as file:
        for number in range(NUM_ROWS):
            good = f"House number {number} stands there\tHaus Nummer {number} steht dort"
            file.write(bad.get(number + 1, good.encode()) + b"\n")
    shares = {f"max_{kind}": 1 / NUM_ROWS for kind in BAD}
    languages = {"source_lang": "en", "target_lang": "de"}
    spec = CorpusSpec(path=str(tmp_path / "c.tsv"), checks=shares, **languages)
    counts, lines = Counter(), {}
    assert len(read_pairs(spec, counts, lines)) == NUM_ROWS - len(BAD)
    assert counts == {"rows": NUM_ROWS} | dict.fromkeys(BAD, 1)
    assert lines == {kind: [1000 * place] for place, kind in enumerate(BAD, start=1)}
