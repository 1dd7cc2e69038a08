"""What every format of corpora owes: what was written in it is read back."""

import csv
import io
import json
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.raw import is_empty
from harness.data.readers import format_name, read_pairs
from harness.data.spec import CorpusSpec
from harness.settings import plugins

NAMES = plugins.names("format")
NOT_IN_XML = "\ufffe\uffff"
# one line of text as every format can hold it
TEXTS = (
    st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters=NOT_IN_XML))
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: not is_empty(text))
)
PAIRS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5)
LANGUAGES = {"source_lang": "en", "target_lang": "de"}


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def fields(pairs):
    return [{"source": source, "target": target} for source, target in pairs]


def as_json(folder, pairs):
    rows = [{"translation": {"en": source, "de": target}} for source, target in pairs]
    return {"path": write(folder / "c.json", json.dumps(rows, ensure_ascii=False, indent=1))}


def as_jsonl(folder, pairs):
    return {"path": write(folder / "c.jsonl", "\n".join(map(json.dumps, fields(pairs))))}


def as_tsv(folder, pairs):
    return {"path": write(folder / "c.tsv", "".join(f"{a}\t{b}\n" for a, b in pairs))}


def as_csv(folder, pairs):
    table = io.StringIO()
    csv.writer(table).writerows([("source", "target"), *pairs])
    return {"path": write(folder / "c.csv", table.getvalue())}


def as_aligned(folder, pairs):
    return {
        key: write(folder / name, "".join(f"{pair[side]}\n" for pair in pairs))
        for side, (key, name) in enumerate((("path", "c.en"), ("target_path", "c.de")))
    }


def as_tmx(folder, pairs):
    units = "\n".join(
        "<tu>"
        + "".join(
            f'<tuv xml:lang="{tag}"><seg>{escape(text)}<ph>code</ph></seg></tuv>'
            for tag, text in zip(("en-US", "de"), pair, strict=True)
        )
        + "</tu>"
        for pair in pairs
    )
    head = '<?xml version="1.0"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4">'
    body = f'<header srclang="en-US"/><body>{units}</body></tmx>'
    return {"path": write(folder / "c.tmx", head + body)}


def segments(pairs, side):
    return "\n".join(
        f'<seg id="{number}">{escape(pair[side])}</seg>' for number, pair in enumerate(pairs)
    )


def as_sgm(folder, pairs):
    heads = ('srcset srclang="any"', 'refset trglang="de"')
    return {
        key: write(
            folder / f"{key}.sgm",
            f'<{heads[side]} setid="t"><DOC docid="d">\n{segments(pairs, side)}\n</DOC>',
        )
        for side, key in enumerate(("path", "target_path"))
    }


def as_wmt_xml(folder, pairs):
    src, ref = segments(pairs, 0), segments(pairs, 1)
    text = (
        f'<dataset id="t"><doc id="d"><src lang="en"><p>{src}</p></src>'
        f'<ref lang="de" translator="A"><p>{ref}</p></ref>'
        f'<hyp system="s"><p>{src}</p></hyp></doc></dataset>'
    )
    return {"path": write(folder / "c.xml", text)}


def as_huggingface(folder, pairs):
    import datasets

    datasets.Dataset.from_list(fields(pairs)).save_to_disk(str(folder / "set"))
    return {"path": str(folder / "set")}


WRITERS = {name: globals()[f"as_{name}"] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(pairs=PAIRS)
def test_what_was_written_is_read_back(tmp_path_factory, name, pairs):
    spec = CorpusSpec(**WRITERS[name](tmp_path_factory.mktemp("c"), pairs), **LANGUAGES)
    assert format_name(spec) == name
    read = read_pairs(spec)
    assert [(pair.source, pair.target) for pair in read] == pairs
    assert {(pair.source_lang, pair.target_lang) for pair in read} == {("en", "de")}
    assert len({pair.id for pair in read}) == len(pairs)


@pytest.mark.parametrize("name", NAMES)
def test_a_format_says_what_its_files_are(name):
    form = plugins.load("format", name)
    assert all(ending == ending.lower() and ending[0] == "." for ending in form.endings)
    assert form.version >= 1
    others = [plugins.load("format", other) for other in NAMES if other != name]
    assert not set(form.endings) & {ending for other in others for ending in other.endings}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "huggingface"])
def test_a_compressed_file_is_read_as_the_plain_one(tmp_path, name):
    import gzip

    given = WRITERS[name](tmp_path, [("A dog.", "Ein Hund."), ("Two\u2028lines", "Zwei")])
    plain = read_pairs(CorpusSpec(**given, **LANGUAGES))
    packed = {}
    for key, path in given.items():
        Path(f"{path}.gz").write_bytes(gzip.compress(Path(path).read_bytes()))
        packed[key] = f"{path}.gz"
    assert read_pairs(CorpusSpec(**packed, **LANGUAGES)) == plain
