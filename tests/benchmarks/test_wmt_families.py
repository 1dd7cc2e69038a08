"""WMT24, WMT24++ and WMT25 as they are published, on texts of our own."""

import json
from pathlib import Path

import pytest
import yaml

from harness.benchmarks.read import select
from harness.benchmarks.spec import EvalSpec
from harness.data.prompts import language_name
from harness.errors import ConfigError, DataError
from tests.outside import DATA, outside

SUITES = Path(__file__).parents[2] / "benchmarks"
CANARY = "CANARY GUID 00000000-0000-0000-0000-000000000000"


def named(name, data):
    (benchmark,) = select(
        EvalSpec(suites=(f"translation/{name}",), folder=str(SUITES), data=str(data))
    ).benchmarks
    return benchmark


def write(path, *rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [row if isinstance(row, str) else json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.mark.parametrize("layout", ["{kind}/{name}", "{kind}.{name}"])
def test_wmt24_has_no_segment_of_its_canary(tmp_path, layout):
    for kind, name, text in [
        ("sources", "en-ja.txt", "The ship sailed."),
        ("references", "en-ja.refA.txt", "船は出た。"),
    ]:
        write(tmp_path / "wmt24" / layout.format(kind=kind, name=name), CANARY, text, text)
    benchmark = named("wmt24_en_ja_test", tmp_path)
    assert [row["id"] for row in benchmark.items] == ["2", "3"]
    assert benchmark.items[0]["prompt"] == "Translate from English to Japanese: The ship sailed."
    assert benchmark.items[0]["references"] == ["船は出た。"]
    assert benchmark.language == "ja"


def test_wmt24_files_of_different_lengths_are_refused(tmp_path):
    write(tmp_path / "wmt24/sources/en-cs.txt", CANARY, "One.", "Two.")
    write(tmp_path / "wmt24/references/en-cs.refA.txt", CANARY, "Jedna.")
    with pytest.raises(DataError, match=r"different numbers of lines: .*has 3, .*has 2"):
        named("wmt24_en_cs_test", tmp_path)


def test_a_wmt24_segment_without_a_reference_is_named(tmp_path):
    write(tmp_path / "wmt24/sources/en-cs.txt", CANARY, "One.", "Two.")
    write(tmp_path / "wmt24/references/en-cs.refA.txt", CANARY, "Jedna.", " ")
    with pytest.raises(DataError, match=r"target"):
        named("wmt24_en_cs_test", tmp_path)


@outside("wmt24")
@pytest.mark.parametrize("pair", ["en_de", "en_es"])
def test_the_published_wmt24_is_read(pair):
    benchmark = named(f"wmt24_{pair}_test", DATA)
    assert len(benchmark.items) == 997
    assert not any("CANARY" in str(row) for row in benchmark.items)


def segment(number, *, bad=False, document="news_1", lp="en-pt_PT"):
    return {
        "lp": lp,
        "domain": "canary" if bad else "news",
        "document_id": document,
        "segment_id": number,
        "is_bad_source": bad,
        "source": f"Line {number}.",
        "target": f"Linha {number}.",
        "original_target": f"Linha n. {number}.",
    }


def test_wmt24pp_leaves_bad_sources_out_and_draws_documents(tmp_path):
    rows = [segment(1, bad=True), segment(2), segment(3), segment(4, document="news_2")]
    write(tmp_path / "wmt24pp/en-pt_PT.jsonl", *rows)
    benchmark = named("wmt24pp_en_pt-PT_test", tmp_path)
    assert [row["source"] for row in benchmark.items] == ["Line 2.", "Line 3.", "Line 4."]
    assert benchmark.items[2]["references"] == ["Linha 4."]
    assert benchmark.cluster == "document_id"
    assert [row["document_id"] for row in benchmark.items] == ["news_1", "news_1", "news_2"]
    assert benchmark.language == "pt-PT"


def test_wmt24pp_knows_all_its_55_languages():
    text = (SUITES / "translation/wmt24pp_PAIR_test.yaml").read_text(encoding="utf-8")
    codes = yaml.safe_load(text)["metadata"]["harness"]["data"]["codes"]
    assert len(set(codes.values()) - {"en"}) == 55
    assert {codes["pt"], codes["pt-PT"], codes["zh-TW"]} == {"pt_BR", "pt_PT", "zh_TW"}


@pytest.mark.parametrize("family", ["wmt24", "wmt24pp", "wmt25"])
def test_each_language_can_be_asked_for(family):
    text = (SUITES / f"translation/{family}_PAIR_test.yaml").read_text(encoding="utf-8")
    assert all(map(language_name, yaml.safe_load(text)["metadata"]["harness"]["data"]["codes"]))


def document(number, source="en", target="cs_CZ", refs=None):
    return {
        "dataset_id": "wmttest2025",
        "domain": "literary",
        "src_lang": source,
        "tgt_lang": target,
        "doc_id": f"doc-{number}",
        "src_text": f"First of {number}.\n\nSecond.",
        "refs": {"refA": {"ref": f"První z {number}.\n\nDruhý."}} if refs is None else refs,
    }


def test_wmt25_has_the_documents_of_a_pair_that_have_a_reference(tmp_path):
    rows = [
        document(1),
        document(2, "cs", "de_DE"),
        document(3, target="de_DE", refs={}),
        document(4),
        document(5, refs={"refA": None}),
        document(6, target="sr_Cyrl_RS"),
    ]
    write(tmp_path / "wmt25/wmt25-genmt.jsonl", *rows)
    benchmark = named("wmt25_en_cs_test", tmp_path)
    assert [row["doc_id"] for row in benchmark.items] == ["doc-1", "doc-4"]
    assert benchmark.items[0]["references"] == ["První z 1.\n\nDruhý."]
    assert benchmark.items[0]["prompt"].endswith("to Czech: First of 1.\n\nSecond.")
    assert len(named("wmt25_cs_de_test", tmp_path).items) == 1
    assert len(named("wmt25_en_sr-Cyrl_test", tmp_path).items) == 1
    with pytest.raises(DataError, match="where: keeps none of 6 records"):
        named("wmt25_en_de_test", tmp_path)
    with pytest.raises((DataError, ConfigError), match="unknown language 'xx'"):
        named("wmt25_en_xx_test", tmp_path)


def test_the_first_of_several_paths_that_is_there_is_read(tmp_path):
    write(tmp_path / "wmt25-general-mt/data/wmt25-genmt.jsonl", document(1))
    assert len(named("wmt25_en_cs_test", tmp_path).items) == 1
    write(tmp_path / "wmt25/wmt25-genmt.jsonl", document(1), document(2))
    assert len(named("wmt25_en_cs_test", tmp_path).items) == 2


def test_of_files_that_are_not_there_the_usual_place_is_said(tmp_path):
    with pytest.raises(DataError, match=r"wmt25/wmt25-genmt.jsonl is missing .* into wmt25"):
        named("wmt25_en_cs_test", tmp_path)
