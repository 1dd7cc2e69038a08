import hashlib
import json
import re
import subprocess
import sys

import pytest
from pydantic import ValidationError

from harness.benchmarks.spec import EvalSpec
from harness.benchmarks.task import GenerationArguments
from harness.errors import ConfigError, DataError
from harness.records import Axis, Split
from harness.settings.spec import validate


def test_a_benchmark_is_read_with_its_items(benchmarks):
    path = benchmarks.write()
    (found,) = benchmarks.find("general")
    assert found.key == "general/facts_validation"
    assert found.split is Split.VALIDATION
    assert found.path == path
    assert found.metrics == ("exact_match",)
    assert found.task.file.generation_kwargs == GenerationArguments(max_gen_toks=60)
    assert [row["id"] for row in found.items] == ["facts-1", "facts-2", "facts-3"]
    assert found.data_path.is_absolute()


def test_suites_benchmarks_and_patterns_select(benchmarks):
    for key in ("a/one_validation", "a/one_test", "b/two_validation"):
        benchmarks.write(key)
    assert [one.key for one in benchmarks.find("a")] == ["a/one_test", "a/one_validation"]
    assert [one.key for one in benchmarks.find("b/two_validation")] == ["b/two_validation"]
    assert [one.key for one in benchmarks.find("a/one_t*")] == ["a/one_test"]
    only = benchmarks.find("a", "b", splits=("test",))
    assert [one.key for one in only] == ["a/one_test"]


def test_a_limit_keeps_the_first_items_and_is_part_of_the_identity(benchmarks):
    benchmarks.write()
    (whole,) = benchmarks.find()
    (part,) = benchmarks.find(limit=2)
    assert [row["id"] for row in part.items] == ["facts-1", "facts-2"]
    assert part.identity() != whole.identity()


def test_scoring_settings_are_no_part_of_what_identifies_predictions(benchmarks):
    benchmarks.write()
    (before,) = benchmarks.find()
    benchmarks.write(block={"metrics": ["exact_match", "empty"], "summary": None})
    (after,) = benchmarks.find()
    benchmarks.write(doc_to_text="Q: {{prompt}}")
    (other,) = benchmarks.find()
    assert after.identity() == before.identity()
    assert other.identity() != before.identity()


def faults(benchmarks, *lines):
    with pytest.raises((ConfigError, DataError)) as caught:
        benchmarks.find()
    text = str(caught.value)
    for line in lines:
        assert line in text
    return text


def test_all_faults_of_all_files_come_at_once(benchmarks):
    benchmarks.write(
        "a/one_validation",
        block={"metrics": ["exact_mach"], "summary": None, "split": "dev", "licence": ""},
        output_type="loglikelihood",
    )
    benchmarks.write("b/two_validation", drop=("task",))
    text = faults(
        benchmarks,
        "one_validation.yaml:",
        "metadata.harness.metrics: unknown metric 'exact_mach'; did you mean 'exact_match'?",
        "metadata.harness.split: found 'dev'",
        "metadata.harness.licence: found ''",
        "output_type: found 'loglikelihood'",
        "two_validation.yaml: task: missing",
    )
    assert "truncated" in text  # the metrics there are


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"test_split": "dev"}, "test_split: found 'dev'"),
        ({"generation_kwargs": {"max_gen_toks": 9, "until": ["\n"]}}, "until: found ['\\n']"),
        ({"generation_kwargs": {"max_gen_toks": 0}}, "max_gen_toks: found 0"),
        ({"generation_kwargs": {"max_gen_toks": 9, "do_sample": True}}, "temperature"),
        ({"doc_to_choice": ["a", "b"]}, "doc_to_choice goes with"),
        ({"num_fewshot": 3}, "num_fewshot: found 3"),
        ({"fewshot_split": "train"}, "unknown option 'fewshot_split'"),
        ({"dataset_path": "csv"}, "dataset_path: found 'csv'"),
        ({"block": {"summary": {"metric": "bleu", "worst": 0, "best": 1}}}, "found 'bleu'"),
        (
            {"block": {"summary": {"metric": "exact_match", "worst": 1, "best": 1}}},
            "`worst` and `best` must differ",
        ),
        ({"block": {"extract": "second"}}, "extract.rule: found 'second'"),
        ({"block": {"extract": {"rule": "regex", "pattern": "("}}}, "not a regular expression"),
        ({"block": {"extract": "regex"}}, "`pattern` goes with `rule: regex`"),
        ({"block": {"language": "English"}}, "language: found 'English'"),
        ({"block": {"expected": "answered"}}, "expected: found 'answered'"),
        ({"block": {"data_sha256": "abc"}}, "data_sha256: found 'abc'"),
        ({"block": {"split": "test"}}, "the file's name ends in '_validation'"),
    ],
)
def test_a_malformed_yaml_names_place_and_what_is_allowed(benchmarks, change, message):
    benchmarks.write(**change)
    faults(benchmarks, message, "facts_validation.yaml")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('{"id": "a", "prompt"\n', ":1: not valid JSON (Expecting"),
        ("[1]\n", ":1: found list, allowed one JSON object a line"),
        ("\n", "no rows"),
        ([{"id": "a", "prompt": "p"}], ":1: target: missing (found: id, prompt)"),
        ([{"prompt": "p", "target": "t"}], ":1: id: missing"),
        ([{"id": "a", "prompt": 3, "target": "t"}], ":1: prompt: found 3, allowed: text"),
        (
            [{"id": "a", "prompt": "p", "target": "t"}, {"id": "a", "prompt": "q", "target": "t"}],
            ":2: id: 'a' is also that of line 1",
        ),
        ([{"id": "a", "prompt": "p", "target": "t", "references": "x"}], "a list of at least one"),
        ([{"id": "a", "prompt": "p", "target": "t", "messages": []}], "messages: allowed: a list"),
        (
            [
                {
                    "id": "a",
                    "prompt": "p",
                    "target": "t",
                    "messages": [{"role": "bot", "content": "x"}],
                }
            ],
            "messages.0.role: found 'bot', allowed: system, user, assistant",
        ),
        (
            [
                {
                    "id": "a",
                    "prompt": "p",
                    "target": "t",
                    "messages": [{"role": "assistant", "content": "x"}],
                }
            ],
            "the last turn is the assistant's",
        ),
    ],
)
def test_malformed_rows_are_named_by_their_line(benchmarks, rows, message):
    benchmarks.write(rows=rows)
    faults(benchmarks, "facts_validation.jsonl", message)


def test_data_that_changed_since_the_checksum_are_refused(benchmarks):
    benchmarks.write(block={"data_sha256": "0" * 64})
    faults(benchmarks, "metadata.harness.data_sha256", "raise metadata.version")


def test_a_missing_data_file_is_named(benchmarks):
    benchmarks.write()
    (benchmarks.folder / "data/general/facts_validation.jsonl").unlink()
    faults(benchmarks, "dataset_kwargs.data_files: no such file")


def test_unknown_suites_and_benchmarks_list_the_known(benchmarks):
    benchmarks.write()
    with pytest.raises(ConfigError) as caught:
        benchmarks.find("generel", "general/fact_validation")
    assert "unknown suite 'generel'; did you mean 'general'? (known: general)" in str(caught.value)
    assert "did you mean 'general/facts_validation'?" in str(caught.value)


def test_no_benchmark_of_a_wanted_split_is_an_error(benchmarks):
    benchmarks.write()
    with pytest.raises(ConfigError, match=r"splits: test"):
        benchmarks.find(splits=("test",))


def test_a_folder_that_is_not_there_is_named(tmp_path):
    from harness.benchmarks.read import find_benchmarks

    with pytest.raises(ConfigError, match=r"eval.folder: found 'nowhere'"):
        find_benchmarks(EvalSpec(suites=("a",), folder="nowhere"))


def test_settings_of_metrics_are_checked_with_the_specification():
    data = {"suites": ["a"], "metrics": {"bleu": {"tokenise": "zh"}, "blue": {}}}
    with pytest.raises(ConfigError) as caught:
        validate(EvalSpec, data, "t.yaml")
    text = str(caught.value)
    assert "metrics.bleu.tokenise: unknown option 'tokenise'; did you mean 'tokenize'?" in text
    assert "metrics.blue: unknown metric 'blue'" in text


def test_an_evaluation_needs_a_suite():
    with pytest.raises(ValidationError):
        EvalSpec(suites=())


def test_a_specification_survives_the_round_trip():
    spec = EvalSpec(suites=("a",), metrics={"bleu": {"tokenize": "zh"}})
    assert EvalSpec.model_validate(json.loads(json.dumps(spec.plain()))) == spec


def test_reading_benchmarks_loads_neither_torch_nor_lm_eval_nor_metrics():
    code = (
        "import sys, harness.benchmarks.read as b, harness.evaluation.summary\n"
        "heavy = {'torch', 'lm_eval', 'sacrebleu', 'lingua', 'transformers', 'jinja2', 'numpy'}\n"
        "sys.exit(', '.join(sorted(heavy & set(sys.modules))) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.returncode == 0


def test_an_axis_that_is_not_said_is_what_the_rows_are(benchmarks):
    languages = {"source_lang": "en", "target_lang": "de"}
    translated = [{"id": "1", "prompt": "p", "target": "t", **languages}]
    benchmarks.write("mine/dev", translated)
    benchmarks.write("mine/facts")
    benchmarks.write("mine/safe", translated, block={"axis": "safety"})
    found = {one.name: (one.axis, one.axis_said) for one in benchmarks.find()}
    assert found == {
        "dev": (Axis.TRANSLATION, False),
        "facts": (Axis.GENERAL, False),
        "safe": (Axis.SAFETY, True),
    }


def test_rows_of_which_some_lack_a_language_are_no_translation(benchmarks):
    languages = {"source_lang": "en", "target_lang": "de"}
    rows = [{"id": "1", "prompt": "p", "target": "t"}, {"id": "2", "prompt": "q", "target": "u"}]
    benchmarks.write("mine/dev", [rows[0] | languages, rows[1]])
    (found,) = benchmarks.find()
    assert found.axis is Axis.GENERAL


def test_the_split_of_a_benchmark_is_what_its_yaml_says_whatever_its_name(benchmarks):
    benchmarks.write("mine/final", block={"split": "test"})
    (found,) = benchmarks.find()
    assert found.score_key("exact_match").split is Split.TEST
    assert str(found.score_key("exact_match")) == "mine/final/exact_match"


def test_the_axis_and_the_twin_are_no_part_of_what_identifies_predictions(benchmarks):
    benchmarks.write("mine/dev")
    (plain,) = benchmarks.find()
    benchmarks.write("mine/dev", block={"axis": "safety", "twin": "final"})
    (said,) = benchmarks.find()
    assert said.twin == "final"
    assert said.identity() == plain.identity()


def test_what_to_do_about_faults_is_told_once_and_apart_from_them(benchmarks):
    for name in ("first", "second"):
        path = benchmarks.write(f"mine/{name}", block={"split": "validation"})
        data = benchmarks.folder / "data" / "mine" / f"{name}.jsonl"
        data.write_bytes('{"id": "ö"}\n'.encode("latin-1"))
        text = path.read_text(encoding="utf-8")
        checksum = hashlib.sha256(data.read_bytes()).hexdigest()
        path.write_text(re.sub(r"data_sha256: \w+", f"data_sha256: {checksum}", text))
    with pytest.raises(DataError) as raised:
        benchmarks.find("mine")
    assert raised.value.message.count("not UTF-8 (byte 0xf6), allowed UTF-8") == 2
    assert "iconv" not in raised.value.message
    assert raised.value.hint == "convert it, for example with: iconv -f LATIN1 -t UTF-8"


CHOOSES = {
    "output_type": "multiple_choice",
    "doc_to_target": 0,
    "doc_to_choice": ["Toral", "Merak"],
    "block": {"metrics": ["choice_accuracy"], "summary": None},
    "drop": ("generation_kwargs",),
}


def signed(benchmarks, **settings):
    """What the scores of a benchmark so written say of it."""
    benchmarks.write("mine/dev", **settings)
    (benchmark,) = benchmarks.find()
    return benchmark.task.signature(benchmark.split)


@pytest.mark.parametrize(
    "settings",
    [
        {"doc_to_text": "Say nothing. {{prompt}}"},
        {"doc_to_target": "{{target}}!"},
        {"generation_kwargs": {"max_gen_toks": 61}},
        {"generation_kwargs": {"max_gen_toks": 60, "do_sample": True, "temperature": 0.7}},
        {"block": {"language": "de"}},
        CHOOSES,
    ],
)
def test_prompt_decoding_and_language_are_in_the_signature_of_scores(benchmarks, settings):
    usual = signed(benchmarks)
    assert re.fullmatch(r"asked:[0-9a-f]{8}", usual[-1])
    assert signed(benchmarks, **settings) != usual


def test_the_choices_are_in_the_signature_of_scores(benchmarks):
    usual = signed(benchmarks, **CHOOSES)
    assert signed(benchmarks, **{**CHOOSES, "doc_to_choice": ["Merak", "Toral"]}) != usual


def test_a_default_that_is_written_out_changes_no_signature(benchmarks):
    usual = signed(benchmarks)
    said = {"until": [], "max_gen_toks": 60, "do_sample": False, "temperature": 0.0}
    assert signed(benchmarks, generation_kwargs=said, num_fewshot=0) == usual
    assert signed(benchmarks, generation_kwargs={"max_gen_toks": 60}, tag="mine") == usual
    assert signed(benchmarks, drop=("doc_to_text", "doc_to_target")) == usual
    assert signed(benchmarks, block={"axis": "safety", "summary": None}) == usual
