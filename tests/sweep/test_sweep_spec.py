import shutil
from pathlib import Path

import pytest

from harness.errors import EXIT_USER, ConfigError
from harness.settings.spec import validate
from harness.settings.yaml import parse_override
from harness.sweep.budget import planned, showing
from harness.sweep.configurations import configure
from harness.sweep.run import run_sweep
from harness.sweep.space import grid
from harness.sweep.spec import SweepSpec, check_sweep, load_sweep_spec
from tests.projects import write_corpus


def test_reads_and_writes_itself(spec: SweepSpec) -> None:
    again = validate(SweepSpec, spec.plain(), "again")
    assert again == spec.replace(folder=None)
    assert spec.base.name == "toy"


def test_base_may_be_the_path_of_a_trial(sweep_file: Path) -> None:
    text = sweep_file.read_text()
    start, end = text.index("base:"), text.index("space:")
    folder = sweep_file.parent / "trials"
    folder.mkdir()
    lines = [line.removeprefix("  ") for line in text[start:end].splitlines()[1:]]
    (folder / "trial.yaml").write_text("\n".join(lines))
    sweep_file.write_text(text[:start] + "base: trials/trial.yaml\n" + text[end:])
    assert load_sweep_spec(sweep_file).base.variant.name == "radis"


def test_overrides_reach_into_base_and_space(sweep_file: Path) -> None:
    texts = ("base.train.steps=5", "space.lora.rank=[2]", "trials=3", "sampler=random")
    spec = load_sweep_spec(sweep_file, tuple(map(parse_override, texts)))
    assert spec.base.train.steps == 5
    assert spec.space["lora.rank"].values == (2,)
    assert (spec.trials, spec.sampler.name) == (3, "random")


def test_whole_numbers_for_a_real_setting_make_a_real_range(sweep_file: Path) -> None:
    override = ("space", {"lora.alpha": {"low": 8, "high": 32}, "lora.rank": {"low": 2, "high": 8}})
    spec = load_sweep_spec(
        sweep_file, (override, ("sampler", "random"), ("trials", 2), ("confirm", None))
    )
    assert not spec.space["lora.alpha"].integral
    assert spec.space["lora.rank"].integral


SHOWING = {
    "variant.name": ["sft", "icl"],
    "variant.examples": {"values": [1, 2], "when": {"variant.name": "icl"}},
}


def test_what_shows_examples_has_a_configuration_for_each_number_of_them(sweep_file: Path) -> None:
    plain = (("base.variant", {"name": "sft"}), ("confirm", None))
    spec = load_sweep_spec(sweep_file, (*plain, ("space", SHOWING)))
    assert planned(spec) == [
        {"variant.name": "sft"},
        {"variant.name": "icl", "variant.examples": 1},
        {"variant.name": "icl", "variant.examples": 2},
    ]
    assert [config.variant.plain()["examples"] for config in showing(spec)] == [1, 2]
    assert showing(load_sweep_spec(sweep_file)) == []


@pytest.mark.parametrize("path", ["train.learning_rate", "lora.rank"])
def test_settings_of_training_are_not_searched_for_what_trains_nothing(
    sweep_file: Path, path: str
) -> None:
    plain = (("base.variant", {"name": "sft"}), ("confirm", None))
    with pytest.raises(ConfigError) as caught:
        load_sweep_spec(sweep_file, (*plain, ("space", {**SHOWING, path: [1, 2]})))
    assert (
        f"space.{path}: changes nothing with variant.name icl, which trains nothing, allowed "
        "`when: {variant.name: [sft]}`"
    ) in caught.value.message
    alone = (("base.variant", {"name": "icl"}), ("confirm", None), ("space", {path: [1, 2]}))
    with pytest.raises(ConfigError, match="those that train"):
        load_sweep_spec(sweep_file, alone)
    limited = {**SHOWING, path: {"values": [1, 2], "when": {"variant.name": "sft"}}}
    assert len(planned(load_sweep_spec(sweep_file, (*plain, ("space", limited))))) == 4


def test_one_setting_may_have_a_dimension_per_condition(sweep_file: Path) -> None:
    by_method = {
        "variant.name": ["kl", "l2"],
        "variant.strength:kl": {"values": [0.5, 1.0], "when": {"variant.name": "kl"}},
        "variant.strength:l2": {"values": [0.01], "when": {"variant.name": "l2"}},
    }
    plain = ("base.variant", {"name": "sft"})
    spec = load_sweep_spec(sweep_file, (plain, ("space", by_method)))
    made = [configure(spec.base, params).variant.plain() for params in grid(spec.space, {})]
    assert [(one["name"], one["strength"]) for one in made] == [
        ("kl", 0.5),
        ("kl", 1.0),
        ("l2", 0.01),
    ]
    together = {**by_method, "variant.strength:l2": {"values": [0.01]}}
    with pytest.raises(ConfigError, match=r"searches the same setting as variant\.strength:kl"):
        load_sweep_spec(sweep_file, (plain, ("space", together)))


def test_declared_margins_are_laid_over_the_defaults(sweep_file: Path) -> None:
    spec = load_sweep_spec(sweep_file, (parse_override("margins.general=0.05"),))
    assert spec.margins == {
        "translation": 0.02,
        "general": 0.05,
        "safety": 0.02,
        "bleu": 0.5,
        "chrf": 0.5,
        "chrf_pp": 0.5,
        "comet": 0.005,
    }


def test_a_metric_may_have_a_margin_that_has_none_by_default(sweep_file: Path) -> None:
    spec = load_sweep_spec(sweep_file, (("margins", {"exact_match": 0.01}),))
    assert (spec.margins["exact_match"], spec.margins["bleu"]) == (0.01, 0.5)


MALFORMED = [
    (
        "sampler: grid",
        "margins: {blue: 0.5, genral: 0.1, safety: 0, bleu: .inf}",
        [":15: margins.safety", "greater than 0", ":15: margins.bleu", "finite"],
    ),
    (
        "sampler: grid",
        "margins: {blue: 0.5, genral: 0.1}",
        [":15: margins.blue", "did you mean 'bleu'?", ":15: margins.genral", "'general'?"],
    ),
    (
        "sampler: grid",
        "trials_per: variant.rationale_weight",
        [":15: trials_per", "without a condition (variant.name, lora.rank)"],
    ),
    ("sampler: grid", "trials_per: variant.nam", [":15: trials_per", "variant.name, lora.rank"]),
    (
        "compare: variant.name",
        "members: fronts",
        [":16: confirm", "members fronts and no compare"],
    ),
    ("lora.rank: [4, 8]", "lora.rnak: [4, 8]", [":12: space.lora.rnak", "did you mean 'rank'?"]),
    (
        "lora.rank: [4, 8]",
        "lora.rank: [4, 0]",
        [":12: space.lora.rank", "found 0", "greater than or equal to 1"],
    ),
    (
        "lora.rank: [4, 8]",
        "lora.rank: {low: 8, high: 4}",
        [":12: space.lora.rank", "low below high"],
    ),
    ("lora.rank: [4, 8]", "lora.rank: {low: 4}", [":12: space.lora.rank", "low and high"]),
    ("lora.rank: [4, 8]", "lora.rank: {low: 0, high: 4, log: true}", [":12", "above 0"]),
    ("lora.rank: [4, 8]", "lora.rank: {low: 1.5, high: 4.5, step: 1.5}", [":12", "found 1.5"]),
    (
        "lora.rank: [4, 8]",
        "lora.rank: {low: 1, high: 4, stop: 2}",
        [":12: space.lora.rank.stop", "did you mean 'step'?"],
    ),
    ("lora.rank: [4, 8]", "lora.rank: [4, 4]", [":12", "given twice"]),
    ("lora.rank: [4, 8]", "lora.rank: 4", [":12: space.lora.rank", "found 4"]),
    (
        "lora.rank: [4, 8]",
        "lora.alpha: {low: 1.0, high: 2.0}",
        [":15: sampler", "lora.alpha", "step"],
    ),
    ("lora.rank: [4, 8]", "seed: [1, 2]", [":12: space.seed", "`seeds`"]),
    (
        "lora.rank: [4, 8]",
        "eval.batch_size: [1, 2]",
        [":12: space.eval.batch_size", "data, variant, lora, train"],
    ),
    ("lora.rank: [4, 8]", "lroa.rank: [1, 2]", [":12: space.lroa.rank", "did you mean 'lora'?"]),
    (
        ", when: {variant.name: radis}",
        "",
        [":11: space.variant.rationale_weight", "variant.name 'sft'", "`when:`"],
    ),
    ("when: {variant.name: radis}", "when: {variant.name: radish}", [":11", "radish", "radis"]),
    (
        "when: {variant.name: radis}",
        "when: {variant.nam: radis}",
        [":11", "did you mean 'variant.name'?"],
    ),
    (
        "variant.rationale_weight",
        "variant.rationale_wieght",
        [":11: space.variant.rationale_wieght", "did you mean 'rationale_weight'?"],
    ),
    (
        "variant.name: [sft, radis]",
        "variant.name: [sfft, radis]",
        [":10: space.variant.name", "did you mean 'sft'?"],
    ),
    (
        "variant: {name: radis}",
        "variant: {name: raddis}",
        [":7: base.variant.name", "did you mean 'radis'?"],
    ),
    (
        "[translation, general]",
        "[translatoin, general]",
        [":4: base", "did you mean 'translation'?"],
    ),
    (
        "[translation/summary,",
        "[translation/sumary,",
        [":13: objectives.0", "did you mean 'translation/summary'?"],
    ),
    (
        "[translation/summary,",
        "[translation/en_de_test/exact_match,",
        [":13: objectives.0", "validation benchmarks only"],
    ),
    (
        "[translation/summary,",
        "[translation/en_de_validation/exact_match,",
        [":13: objectives.0", "reference and scale missing"],
    ),
    ("[translation/summary,", "[general/summary,", [":13: objectives.1", "given twice"]),
    ("[translation/summary, general/summary]", "[]", [":13: objectives", "at least 1"]),
    ("base - 0.4", "bse - 0.4", [":14: constraints.0", "KEY >= base - NUMBER"]),
    (
        "general/summary >=",
        "genral/summary >=",
        [":14: constraints.0", "did you mean 'general/summary'?"],
    ),
    (
        "general/summary >=",
        "general/facts_test/exact_match >=",
        [":14: constraints.0", "validation benchmarks only"],
    ),
    (
        "sampler: grid",
        "sampler: gird",
        [":15: sampler.name", "'tpe', 'gp', 'nsga2', 'random' or 'grid'"],
    ),
    ("sampler: grid", "sampler: tpe", ["trials", "only a grid can do without"]),
    ("sampler: grid", "sampler: grid\ntrials: 0", [":16: trials", "greater than or equal to 1"]),
    ("sampler: grid", "sampler: grid\nseeds: [1, 1]", [":16: seeds", "different whole numbers"]),
    (
        "sampler: grid",
        "sampler: grid\nseeds: [11]",
        ["confirm.seeds", "11 also among the sweep's seeds"],
    ),
    ("compare: variant.name", "compare: lora.alpha", [":16: confirm.compare", "variant.name"]),
    (
        "compare: variant.name",
        "members: some",
        [":16: confirm.members", "'front', 'fronts' or 'all'"],
    ),
    ("name: toy", "name: a b", [":2: name"]),
    ("question: Does it work?\n", "", ["question", "missing"]),
    ("question:", "quest:", [":3: quest", "did you mean 'question'?"]),
    ("name: toy", "name: toy\nname: toy", [":3", "given twice"]),
]


@pytest.mark.parametrize(("old", "new", "told"), MALFORMED, ids=lambda value: str(value)[:40])
def test_a_malformed_sweep_names_place_and_allowed(
    sweep_file: Path, old: str, new: str, told: list[str]
) -> None:
    text = sweep_file.read_text()
    assert old in text
    sweep_file.write_text(text.replace(old, new, 1))
    before = sorted(sweep_file.parent.rglob("*"))
    with pytest.raises(ConfigError) as caught:
        check_sweep(sweep_file)
    assert caught.value.exit_code == EXIT_USER
    for part in [str(sweep_file), *told]:
        assert part in caught.value.message
    assert sorted(sweep_file.parent.rglob("*")) == before


def test_all_faults_are_told_at_once(sweep_file: Path) -> None:
    text = sweep_file.read_text().replace("lora.rank", "lora.rnak")
    text = text.replace("[translation/summary", "[translation/sum").replace("grid", "gird")
    sweep_file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        check_sweep(sweep_file)
    for place in ("space.lora.rnak", "objectives.0", "sampler.name"):
        assert place in caught.value.message


def test_parsing_and_replacing_need_no_benchmark(sweep_file: Path) -> None:
    shutil.rmtree(sweep_file.parent / "benchmarks")
    spec = load_sweep_spec(sweep_file)
    assert spec.replace(trials=3).trials == 3


def test_a_sweep_made_in_python_is_held_against_its_benchmarks(spec: SweepSpec) -> None:
    wrong = spec.replace(objectives=("translation/sumary", "general/summary"))
    with pytest.raises(ConfigError) as caught:
        run_sweep(wrong, home=Path("home"))
    assert caught.value.exit_code == EXIT_USER
    assert caught.value.message.startswith("sweep toy: objectives.0: unknown score")
    assert not Path("home").exists()


def test_a_sweep_hands_on_the_benchmarks_it_was_held_against(spec: SweepSpec) -> None:
    checked = check_sweep(spec)
    assert [one.key for one in checked.selection.benchmarks] == [
        "general/facts_test",
        "general/facts_validation",
        "translation/en_de_test",
        "translation/en_de_validation",
    ]
    assert [str(objective.key) for objective in checked.objectives()] == [
        "translation/summary",
        "general/summary",
    ]


def test_a_raw_score_that_nothing_confirms_is_an_error_before_anything_runs(
    spec: SweepSpec, world: Path
) -> None:
    (world / "benchmarks/general/facts_test.yaml").unlink()
    raw = {"key": "general/facts_validation/exact_match", "reference": 0.0, "scale": 1.0}
    lacking = spec.replace(objectives=["translation/summary", raw])
    with pytest.raises(ConfigError, match=r"objectives.1: no test benchmark confirms 'general/"):
        check_sweep(lacking)
    unconfirmed = check_sweep(lacking.replace(confirm=None)).objectives()
    assert [objective.test and str(objective.test) for objective in unconfirmed] == [
        "translation/summary_test",
        None,
    ]


def test_searched_files_are_looked_for_beside_the_sweep_and_stay_as_written(
    sweep_file: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(world / "other.jsonl", ["Otter"])
    elsewhere = world / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    write_corpus(Path("mine.jsonl"), ["Esel"])
    names = "[other.jsonl, mine.jsonl, somebody/corpus]"
    spec = load_sweep_spec(
        sweep_file, [parse_override(f"space={{data.train.path: {names}}}"), ("confirm", None)]
    )
    assert spec.space["data.train.path"].values == ("other.jsonl", "mine.jsonl", "somebody/corpus")
    again = spec.replace(trials=2)
    train = [again.configure(params).data.train for params in grid(again.space, {})]
    assert [part.path for part in train] == [
        str(world / "other.jsonl"),
        "mine.jsonl",
        "somebody/corpus",
    ]
    assert "folder" not in spec.plain()


def test_paths_within_searched_mappings_are_found_and_other_texts_left(
    sweep_file: Path, world: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_corpus(world / "de", ["Otter"])
    monkeypatch.chdir(world.parent)
    spec = load_sweep_spec(sweep_file)
    settings = {"path": "de", "format": "jsonl", "target_lang": "de"}
    train = spec.configure({"data.train": settings}).data.train
    assert (train.path, train.target_lang) == (f"{world.name}/de", "de")
