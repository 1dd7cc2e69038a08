"""Benchmarks whose data lie in a folder the user names."""

import gzip
import json
import logging
from pathlib import Path
from textwrap import dedent

import pytest

from harness.benchmarks.read import find_benchmarks, select
from harness.benchmarks.spec import EvalSpec
from harness.errors import ConfigError, DataError
from harness.evaluation.predict import predict, stage_of
from harness.evaluation.score import Unmeasured, score_predictions
from harness.evaluation.summary import summarise
from harness.protocols import Services
from harness.records import parse_key
from tests.fakes import ScriptedGenerator

HEAD = """\
task: words
output_type: generate_until
generation_kwargs: {max_gen_toks: 60}
metadata:
  version: 1.0
  harness:
    split: test
    language: de
    metrics: [exact_match, empty]
    summary: {metric: exact_match, worst: 0.0, best: 1.0}
    licence: CC0
"""
LINES = """\
data:
  format: lines
  files: {source: words/$SOURCE_CODE.txt, reference: words/$TARGET_CODE.txt}
  rows:
    source: "{{source}}"
    target: "{{reference}}"
    prompt: "To {{'$TARGET' | language_name}}: {{source}}"
  pairs: [en-de]
  codes: {en: eng, de: deu, fr: fra}
  get: from its author
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "data/words").mkdir(parents=True)
    (tmp_path / "benchmarks/words").mkdir(parents=True)
    return tmp_path


def write(place, name, block):
    text = HEAD + "".join(f"    {line}\n" for line in dedent(block).splitlines())
    (place / f"benchmarks/words/{name}.yaml").write_text(text, encoding="utf-8")


def fill(place, **files):
    for name, text in files.items():
        stem, _, suffix = name.rpartition("_")
        (place / f"data/words/{stem}.{suffix}").write_text(text, encoding="utf-8")


def found(place, *suites, **settings):
    folder = {"folder": str(place / "benchmarks"), "data": str(place / "data")}
    return select(EvalSpec(suites=suites or ("*",), **{**folder, **settings}))


def one_file(kind, name, *, extra="", prompt="{{q}}", target="{{a}}"):
    return f"""\
data:
  format: {kind}
  files: {{rows: {name}}}
  rows: {{prompt: "{prompt}", target: "{target}"}}
  get: from its author
{extra}"""


def test_a_pair_is_found_by_its_name_and_a_suite_has_the_pairs_listed(place):
    write(place, "words_PAIR_test", LINES)
    fill(place, eng_txt="dog\ncat\n", deu_txt="Hund\nKatze\n", fra_txt="chien\nchat\n")
    (listed,) = found(place, "words").benchmarks
    assert listed.key == "words/words_en_de_test"
    assert [row["id"] for row in listed.items] == ["1", "2"]
    assert listed.items[0] == {
        "id": "1", "source": "dog", "target": "Hund", "prompt": "To German: dog",
    }  # fmt: skip
    (named,) = found(place, "words/words_de_fr_test").benchmarks
    assert (named.items[1]["source"], named.items[1]["target"]) == ("Katze", "chat")
    assert named.data_sha256 != listed.data_sha256
    with pytest.raises(DataError, match=r"unknown language 'xx' \(known: de, en, fr\)"):
        found(place, "words/words_en_xx_test")


@pytest.mark.parametrize(
    ("kind", "text", "extra"),
    [
        ("jsonl", '{"q": "dog", "a": "Hund"}\n\n{"q": "cat", "a": "Katze"}\n', ""),
        ("json", '[{"q": "dog", "a": "Hund"}, {"q": "cat", "a": "Katze"}]', ""),
        ("csv", '\ufeffq,a\r\ndog,Hund\r\n"cat","Katze"\r\n', ""),
        ("tsv", "q\ta\ndog\tHund\ncat\tKatze\n", ""),
        ("tsv", "dog\tHund\ncat\tKatze\n", "  columns: [q, a]\n"),
    ],
)
def test_every_format_gives_the_same_rows(place, kind, text, extra):
    write(place, "one_test", one_file(kind, "words/rows.any", extra=extra))
    fill(place, rows_any=text)
    (benchmark,) = found(place).benchmarks
    assert [(row["prompt"], row["target"]) for row in benchmark.items] == [
        ("dog", "Hund"),
        ("cat", "Katze"),
    ]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("jsonl", '{"q": "dog", "a": "Hund"}\n{"q": "cat", "a": "%s"}\n'),
        ("json", '[{"q": "dog", "a": "Hund"}, {"q": "cat", "a": "%s"}]'),
        ("csv", "q,a\ndog,Hund\ncat,%s\n"),
        ("tsv", "q\ta\ndog\tHund\ncat\t%s\n"),
    ],
)
@pytest.mark.parametrize("empty", ["", " ", "\u200b", "\u3164"])
def test_a_text_with_nothing_to_be_seen_is_refused_in_every_format(place, kind, text, empty):
    write(place, "one_test", one_file(kind, "words/rows.any"))
    fill(place, rows_any=text % empty)
    with pytest.raises(DataError, match=r"rows\.target: empty, allowed: a text \(record 2 of"):
        found(place)


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("csv", "q, a\ndog, Hund\n", None),
        ("csv", "\ufeffq,a\n,\ndog,Hund\n", None),
        ("csv", "q,a,a\ndog,Hund,x\n", r"rows\.any:1: the header has 'a' twice"),
        ("csv", "q,a\ndog,Hund\n", None),
        ("jsonl", '{"q": "a", "q": "dog", "a": "Hund"}\n', "rows.any:1: 'q' twice in one object"),
        ("jsonl", '{"q": "dog\\ud83d", "a": "Hund"}\n', r"rows\.any:1: found half a character"),
        ("jsonl", '{"q": "dog", "a": null}\n', "found null, allowed a value"),
        ("tsv", "q\ta\ndog\tHund\tx\n", r"rows\.any:2: found 3 columns, allowed 2 \(q, a\)"),
    ],
)
def test_files_of_benchmarks_are_read_as_those_of_corpora_are(place, kind, text, message):
    write(place, "one_test", one_file(kind, "words/rows.any"))
    fill(place, rows_any=text)
    if message is None:
        (benchmark,) = found(place).benchmarks
        assert [(row["prompt"], row["target"]) for row in benchmark.items] == [("dog", "Hund")]
    else:
        with pytest.raises((DataError, ConfigError), match=message):
            found(place)


def test_a_fault_of_all_rows_is_told_once(place):
    write(place, "one_test", one_file("jsonl", "words/rows.any"))
    fill(place, rows_any='{"q": "dog", "a": " "}\n' * 5)
    with pytest.raises(DataError) as caught:
        found(place)
    told = "one_test.yaml: all 5 rows: metadata.harness.data.rows.target: empty, allowed: a text"
    assert str(caught.value).endswith(told)
    assert len(str(caught.value).splitlines()) == 1


def test_a_parquet_file_is_a_test_set(place):
    import datasets

    file = place / "data/words/rows.parquet"
    datasets.Dataset.from_list([{"q": "dog", "a": "Hund"}]).to_parquet(str(file))
    write(place, "one_test", one_file("huggingface", "words/rows.parquet"))
    (benchmark,) = found(place).benchmarks
    assert (benchmark.items[0]["prompt"], benchmark.items[0]["target"]) == ("dog", "Hund")


def test_languages_of_rows_are_tags_of_any_scheme(place):
    block = one_file("jsonl", "words/rows.any").replace(
        "target: ", 'source_lang: "{{f}}", target_lang: "deu_Latn", target: '
    )
    write(place, "one_test", block)
    fill(place, rows_any='{"q": "dog", "a": "Hund", "f": "EN_us"}\n')
    (benchmark,) = found(place).benchmarks
    assert (benchmark.items[0]["source_lang"], benchmark.items[0]["target_lang"]) == ("en-US", "de")
    fill(place, rows_any='{"q": "dog", "a": "Hund", "f": "English"}\n')
    with pytest.raises(DataError, match="source_lang: found 'English', allowed a language tag"):
        found(place)


def test_packed_files_are_unpacked(place):
    write(place, "one_test", one_file("jsonl", "words/rows.jsonl.gz"))
    (place / "data/words/rows.jsonl.gz").write_bytes(gzip.compress(b'{"q": "dog", "a": "Hund"}'))
    (benchmark,) = found(place).benchmarks
    assert benchmark.items[0]["prompt"] == "dog"


def test_records_are_chosen_by_an_expression_and_a_slice(place):
    rows = [{"q": str(n), "a": "x", "kind": "odd" if n % 2 else "even"} for n in range(10)]
    fill(place, rows_json=json.dumps(rows))
    extra = '  where: kind == "odd"\n  take: "1::2"\n'
    write(place, "one_test", one_file("json", "words/rows.json", extra=extra))
    (benchmark,) = found(place).benchmarks
    assert [row["prompt"] for row in benchmark.items] == ["3", "7"]
    assert [row["id"] for row in benchmark.items] == ["04", "08"]


def test_a_record_may_have_a_field_called_self(place):
    write(place, "rows_test", one_file("jsonl", "words/rows.jsonl"))
    fill(place, rows_jsonl='{"q": "dog", "a": "Hund", "self": "me"}\n')
    (benchmark,) = found(place, "words").benchmarks
    assert benchmark.items == ({"id": "1", "prompt": "dog", "target": "Hund"},)


def test_a_hub_data_set_is_read_from_its_copy_in_the_data_folder(place):
    copy = place / "data/hub/owner/words"
    copy.mkdir(parents=True)
    (copy / "test.jsonl").write_text('{"q": "dog", "a": "Hund"}\n', encoding="utf-8")
    block = one_file("hub", "none").replace("  files: {rows: none}\n", "  hub: owner/words\n")
    write(place, "one_test", block)
    (benchmark,) = found(place).benchmarks
    assert benchmark.items[0]["target"] == "Hund"


def test_absent_data_are_not_measured_unless_named_in_full_or_nothing_else_is_there(place):
    write(place, "words_PAIR_test", LINES)
    write(place, "one_test", one_file("json", "words/rows.json"))
    with pytest.raises(DataError, match=r"words/rows.json is missing .*get: from its author"):
        found(place)
    fill(place, rows_json='[{"q": "dog", "a": "Hund"}]')
    selection = found(place)
    assert [one.key for one in selection.benchmarks] == ["words/one_test"]
    reasons = selection.unmeasured()
    assert set(map(str, reasons)) == {
        "words/words_en_de_test/exact_match", "words/words_en_de_test/empty",
    }  # fmt: skip
    assert (
        "words/eng.txt, words/deu.txt are missing"
        in reasons[parse_key("words/words_en_de_test/empty")]
    )
    # its name once, not also as that by which it was asked for
    with pytest.raises(
        DataError, match=r"^eval.suites: words/words_en_de_test: its data are not here"
    ):
        found(place, "words", "words/words_en_de_test")
    with pytest.raises(
        DataError, match=r"^eval.suites: words/words_\*: words/words_en_de_test: its data"
    ):
        found(place, "words/one_test", "words/words_*")


def test_a_summary_with_an_absent_part_is_not_measured(place):
    write(place, "words_PAIR_test", LINES)
    write(place, "one_test", one_file("json", "words/rows.json"))
    fill(place, rows_json='[{"q": "dog", "a": "Hund"}]')
    selection = found(place)
    (benchmark,) = selection.benchmarks
    rows = predict([benchmark], ScriptedGenerator(lambda prompt: "Hund"))[benchmark.key]
    score = score_predictions(rows, "exact_match", {}, Services(), benchmark)
    scores = {benchmark.score_key("exact_match"): score}
    assert summarise([benchmark], scores).values == {parse_key("words/summary_test"): 1.0}
    partly = summarise([benchmark], scores, selection.absent)
    assert partly.values == {}
    assert "words_en_de_test/exact_match" in partly.missing[parse_key("words/summary_test")]


def test_the_environment_names_the_data_folder_and_a_wrong_one_is_an_error(place, monkeypatch):
    write(place, "one_test", one_file("json", "words/rows.json"))
    fill(place, rows_json='[{"q": "dog", "a": "Hund"}]')
    monkeypatch.setenv("HARNESS_DATA", str(place / "data"))
    spec = EvalSpec(suites=("words",), folder=str(place / "benchmarks"))
    assert "data" not in spec.plain()
    assert len(find_benchmarks(spec)) == 1
    monkeypatch.setenv("HARNESS_DATA", str(place / "nowhere"))
    with pytest.raises(ConfigError, match=r"HARNESS_DATA: found .*nowhere"):
        find_benchmarks(spec)


def test_prompt_and_data_are_in_identity_and_signature_but_not_their_place(place):
    def seen(prompt, text, name="rows"):
        write(place, "one_test", one_file("json", f"words/{name}.json", prompt=prompt))
        fill(place, **{f"{name}_json": text})
        (benchmark,) = found(place).benchmarks
        rows = predict([benchmark], ScriptedGenerator(lambda prompt: "Hund"))[benchmark.key]
        score = score_predictions(rows, "exact_match", {}, Services(), benchmark)
        return stage_of(benchmark, {}).key, score.signature

    text = '[{"q": "dog", "a": "Hund"}]'
    usual = seen("{{q}}", text)
    assert seen("{{q}}", text, "elsewhere") == usual
    for other in (seen("{{q}}!", text), seen("{{q}}", text.replace("dog", "hound"))):
        assert other[0] != usual[0]
        assert other[1] != usual[1]
    assert "|split:test|shots:0|rows:" in usual[1]


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("jsonl", '{"q": "a"\n', r"rows.any:1: not valid JSON \(Expecting"),
        ("jsonl", "[1]\n", r"rows.any:1: found list, allowed one JSON object a line"),
        ("json", '[{"q": 1,\n', r"rows.any:1: not valid JSON \(Expecting property"),
        (
            "json",
            '[{"q": 1, "a": 2},\n3]',
            r"rows.any:2: found int, allowed a JSON list of objects",
        ),
        ("csv", "q,a\n1\n", r"rows.any:2: found 1 columns, allowed 2 \(q, a\)"),
        ("csv", 'q,a\n1,"2\n', r"rows.any:2: not valid CSV"),
        ("json", "[]", r"no rows"),
    ],
)
def test_faults_of_a_file_name_the_place(place, kind, text, message):
    write(place, "one_test", one_file(kind, "words/rows.any"))
    fill(place, rows_any=text)
    with pytest.raises(DataError, match=message):
        found(place)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"{{a}}"', '"{{b}}"'), r"rows\.target: record 1 .*'b' is undefined \(its fields: q,"),
        (('  rows:', '  where: kind == "odd"\n  rows:'), r"where: record 1 .*'kind' is undefined"),
        (('  rows:', "  keep: [kind]\n  rows:"), r"keep: record 1 .*'kind' \(its fields: q,"),
        (('"{{a}}"', '"{{1/0}}"'), r"rows\.target: record 1 .*division by zero"),
        (('"{{a}}"', '"{{n}}"'), r"rows\.target: record 1 .*found null, allowed a value"),
        (('  rows:', '  where: a == "odd"\n  rows:'), r"where: keeps none of 1 records"),
        (('  rows:', '  take: "1:"\n  rows:'), r"take: keeps none of 1 records"),
        (('  rows:', '  take: "::0"\n  rows:'), r"take: found '::0', allowed: a slice"),
        (('  rows:', '  take: "-:2"\n  rows:'), r"take: found '-:2', allowed: a slice"),
        ((', target: "{{a}}"', ""), r"rows\.target: missing, and doc_to_target uses it"),
        (('target: "{{a}}"', 'target: "{{a}}", temperature: "{{a}}"'),
         r"rows\.temperature: found 'Hund', allowed: a number, 0 or greater \(record 1 of .*rows"),
    ],
)  # fmt: skip
def test_a_fault_of_how_rows_are_made_is_one_of_the_yaml(place, change, message):
    block = one_file("json", "words/rows.json")
    assert change[0] in block
    write(place, "one_test", block.replace(*change))
    fill(place, rows_json='[{"q": "dog", "a": "Hund", "n": null}]')
    yaml = r"^\S*one_test\.yaml(:\d+)?: metadata\.harness\.data\."
    with pytest.raises(DataError, match=yaml + message):
        found(place)


TMX = """\
<?xml version="1.0"?>
<tmx version="1.4"><header srclang="en"/><body>
<tu tuid="u1"><tuv xml:lang="en"><seg>dog</seg></tuv><tuv xml:lang="de"><seg>Hund</seg></tuv>
<tuv xml:lang="fr"><seg>chien</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>cat</seg></tuv><tuv xml:lang="de"><seg>Katze</seg></tuv></tu>
</body></tmx>
"""
XML = """\
<dataset id="t"><doc id="d">
<src lang="en"><p><seg id="1">dog</seg><seg id="2">cat</seg></p></src>
<ref lang="de"><p><seg id="1">Hund</seg><seg id="2">Katze</seg></p></ref>
</doc></dataset>
"""
SGM = """\
<{kind} setid="t"><doc docid="d">
<seg id="1">{one}</seg>
<seg id="2">{two}</seg>
</doc></{kind}>
"""


def of_sides(kind, files, extra=""):
    return f"""\
data:
  format: {kind}
  files: {files}
{extra}  rows:
    source: "{{{{source}}}}"
    target: "{{{{target}}}}"
    prompt: "Into German: {{{{source}}}}"
  get: from its author
"""


def test_a_test_set_may_be_a_translation_memory(place):
    block = of_sides("tmx", "{rows: words/rows.tmx}", "  target_lang: de\n")
    write(place, "one_test", block)
    fill(place, rows_tmx=TMX)
    (benchmark,) = found(place).benchmarks
    assert benchmark.items == (
        {"id": "1", "source": "dog", "target": "Hund", "prompt": "Into German: dog"},
        {"id": "2", "source": "cat", "target": "Katze", "prompt": "Into German: cat"},
    )
    write(place, "one_test", block.replace("  target_lang: de\n", ""))
    with pytest.raises(DataError, match=r"rows\.tmx:3: tu: found the languages en, de, fr"):
        found(place)


def test_a_test_set_may_be_xml_of_wmt(place, caplog):
    write(place, "one_test", of_sides("wmt_xml", "{rows: words/rows.xml}"))
    fill(place, rows_xml=XML)
    (benchmark,) = found(place).benchmarks
    assert [(row["source"], row["target"]) for row in benchmark.items] == [
        ("dog", "Hund"),
        ("cat", "Katze"),
    ]
    fill(place, rows_xml=XML.replace('<seg id="2">Katze</seg>', ""))
    with pytest.raises(DataError, match=r"rows\.xml:2: seg 2: not in the reference"):
        found(place)
    allowed = "  allow_unpaired: true\n"
    write(place, "one_test", of_sides("wmt_xml", "{rows: words/rows.xml}", allowed))
    with caplog.at_level(logging.WARNING):
        (benchmark,) = found(place).benchmarks
    assert [row["target"] for row in benchmark.items] == ["Hund"]
    assert "1 records of" in caplog.text


def test_a_test_set_of_several_translators_names_one(place):
    text = XML.replace(
        "</ref>", "</ref><ref lang='de' translator='B'><seg id='1'>Köter</seg></ref>"
    )
    fill(place, rows_xml=text)
    named = "  reference: B\n  allow_unpaired: true\n"
    write(place, "one_test", of_sides("wmt_xml", "{rows: words/rows.xml}", named))
    (benchmark,) = found(place).benchmarks
    assert [row["target"] for row in benchmark.items] == ["Köter"]


def test_a_test_set_may_be_two_files_of_sgm(place):
    write(place, "one_test", of_sides("sgm", "{source: words/s.sgm, target: words/t.sgm}"))
    fill(
        place,
        s_sgm=SGM.format(kind="srcset", one="dog", two="cat"),
        t_sgm=SGM.format(kind="refset", one="Hund", two="Katze"),
    )
    (benchmark,) = found(place).benchmarks
    assert [(row["source"], row["target"]) for row in benchmark.items] == [
        ("dog", "Hund"),
        ("cat", "Katze"),
    ]
    write(place, "one_test", of_sides("sgm", "{rows: words/s.sgm}"))
    with pytest.raises(DataError, match=r"files: found rows, allowed for sgm: source, target"):
        found(place)


def test_aligned_files_of_different_length_and_empty_lines_are_refused(place):
    write(place, "words_PAIR_test", LINES)
    fill(place, eng_txt="dog\ncat\n", deu_txt="Hund\n")
    with pytest.raises(DataError, match=r"eng.txt has 2, .*deu.txt has 1"):
        found(place)
    fill(place, deu_txt="Hund\n\n")
    with pytest.raises(DataError, match=r"deu.txt:2: empty, allowed: a text"):
        found(place)
    fill(place, eng_txt="dog\n\u200b\ncat\n", deu_txt="Hund\n\nKatze\n")
    (benchmark,) = found(place).benchmarks
    assert [row["target"] for row in benchmark.items] == ["Hund", "Katze"]
    fill(place, eng_txt="dog\nbird\ncat\n")
    write(place, "words_PAIR_test", LINES + '  where: reference != ""\n')
    (benchmark,) = found(place).benchmarks
    assert [row["source"] for row in benchmark.items] == ["dog", "cat"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("format: json", "format: xml"), r"format: found 'xml'"),
        (("prompt:", "promt:"), r"`prompt` is missing"),
        (("get: from its author", "take: half\n  get: x"), r"take: found 'half', allowed: a slice"),
        (("get: from its author", "hub: a/b\n  get: x"), r"`hub` goes with `format: hub`"),
        (("{{q}}", "{{q"), r"one_test.yaml: metadata.harness.data.rows.prompt: not a template"),
    ],
)
def test_a_malformed_source_names_what_is_allowed(place, change, message):
    write(place, "one_test", one_file("json", "words/rows.json").replace(*change))
    fill(place, rows_json='[{"q": "dog", "a": "Hund"}]')
    with pytest.raises(DataError, match=message):
        found(place)


def test_a_required_setting_that_is_not_given_leaves_its_metric_unmeasured(place):
    write(place, "one_test", one_file("json", "words/rows.json", extra="requires: [comet.model]\n"))
    fill(place, rows_json='[{"q": "dog", "a": "Hund"}]')
    (benchmark,) = found(place).benchmarks
    score = score_predictions([], "comet", {}, Services(), benchmark)
    assert score == Unmeasured(
        "comet.model is not set (eval.metrics.comet.model), and has no default here"
    )


def test_the_documented_yaml_of_a_test_set_of_ones_own_is_read(place):
    page = (Path(__file__).parents[2] / "docs/benchmarks.md").read_text(encoding="utf-8")
    text = page.partition("```yaml\n")[2].partition("```")[0]
    (place / "benchmarks/words/tico_en_de_test.yaml").write_text(text, encoding="utf-8")
    (place / "data/tico").mkdir()
    (place / "data/tico/test.en-de.tsv").write_text(
        "stringID\tsourceString\ttargetString\n1\tWash your hands.\tWaschen Sie sich die Hände.\n",
        encoding="utf-8",
    )
    (benchmark,) = found(place).benchmarks
    assert benchmark.items[0]["references"] == ["Waschen Sie sich die Hände."]
    assert benchmark.items[0]["prompt"] == "Translate from English to German: Wash your hands."
