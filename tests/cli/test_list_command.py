from harness.settings import plugins
from tests.small_benchmarks import benchmarks

__all__ = ["benchmarks"]


def test_variants_are_the_files_of_their_folder(harness):
    shown = harness("list", "variants", "--json")
    assert shown.code == 0
    names = [variant["name"] for variant in shown.document["variants"]]
    assert names == list(plugins.names("variant"))


def test_verbose_prints_a_paragraph_on_each(harness):
    shown = harness("list", "variants", "--verbose").out
    assert "is given the\n" in shown or "chat prompt for x" in shown
    assert "Options: rationale_weight, max_rationale_tokens" in shown
    assert "mix of the two losses" not in shown


def test_an_unknown_name_is_refused_with_the_nearest(harness):
    refused = harness("list", "variants", "radsi", "sft")
    assert refused.code == 2
    assert "did you mean 'radis'?" in refused.err
    assert harness("list", "sweeps", "pocket").code == 2


def test_a_name_prints_what_stands_under_each_option(harness):
    shown = harness("list", "variants", "radis")
    assert "rationale_weight: float, >= 0.0, <= 1000.0  [default 1.0]" in shown.out
    assert "1 is the paper" in shown.out
    assert "arXiv 2410.13944" in shown.out


def test_inherited_options_are_listed_too(harness):
    metrics = {
        metric["name"]: metric
        for metric in harness("list", "metrics", "--json").document["metrics"]
    }
    assert {option["name"] for option in metrics["chrf_pp"]["options"]} >= {
        "char_order",
        "lowercase",
    }
    assert "0..100, higher is better" in metrics["chrf"]["description"]


def test_every_plugin_has_a_summary_and_every_option_a_description(harness):
    for kind in ("variants", "metrics"):
        for plugin in harness("list", kind, "--json").document[kind]:
            assert plugin["summary"].endswith("."), plugin["name"]
            assert all(option["description"] for option in plugin["options"]), plugin["name"]


def test_sweeps_show_their_question_and_whether_they_were_begun(harness, tmp_path):
    (tmp_path / "sweeps").mkdir()
    (tmp_path / "sweeps/weights.yaml").write_text(
        "# Which weight?\n# Cost: 1 min.\nname: weights\n"
    )
    (tmp_path / ".harness/sweeps/weights").mkdir(parents=True)
    shown = harness("list", "sweeps", "--json")
    assert shown.document["sweeps"] == [
        {
            "name": "weights",
            "file": "sweeps/weights.yaml",
            "question": "Which weight?",
            "about": "Which weight?\nCost: 1 min.",
            "begun": True,
        }
    ]
    assert "Which weight?" in harness("list", "sweeps").out
    assert "Cost: 1 min." in harness("list", "sweeps", "--verbose").out


def test_a_folder_that_is_not_there_exits_with_2(harness):
    for kind in ("benchmarks", "sweeps"):
        shown = harness("list", kind)
        assert shown.code == 2
        assert f"{kind}: no such folder" in shown.err


def test_an_unknown_kind_names_the_known_ones(harness):
    shown = harness("list", "models")
    assert shown.code == 2
    assert "'variants', 'benchmarks', 'metrics', 'sweeps'" in shown.err


def test_benchmarks_show_their_axis_and_what_of_it_was_assumed(harness, benchmarks):
    benchmarks.write("mine/dev")
    benchmarks.write("mine/safe", block={"axis": "safety"})
    shown = harness("list", "benchmarks")
    assert [line.split()[2] for line in shown.out.splitlines()[4:6]] == ["general*", "safety"]
    assert "*: assumed" in shown.out
    listed = harness("list", "benchmarks", "--json").document["benchmarks"]
    assert [(one["axis"], one["axis_assumed"]) for one in listed] == [
        ("general", True),
        ("safety", False),
    ]
