import csv
import re
from dataclasses import replace

import pytest

from harness.records import Objective, mean_value, parse_key
from harness.report.build import hypervolume_history, write_report
from harness.report.examples import collect_examples
from harness.report.figures import front_figures
from harness.report.image import write_front_png
from harness.report.importances import forest_importances
from harness.report.points import points_of
from harness.report.scored import scored
from harness.report.tables import front_table, trials_table
from tests.synthetic import CONSTRAINT, OBJECTIVES, make_record

SAFETY = Objective(parse_key("pocket_safety/summary"), True, 0.0, 1.0)
COMET = parse_key("pocket_translation/en_de_validation/comet")
LENGTH = Objective(
    parse_key("pocket_translation/en_de_validation/output_length"),
    False,
    40.0,
    40.0,
    parse_key("pocket_translation/en_de_test/output_length"),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def record(home):
    return make_record(home, num_items=40)


@pytest.fixture(scope="module")
def report(record, home, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "new"
    shares = {o.key: {"lora.rank": 0.7, "variant.name": 0.3} for o in record.objectives}
    return write_report(record, folder, home=home, importances=shares)


@pytest.fixture(scope="module")
def html(report):
    return report.page.read_text(encoding="utf-8")


def without_scripts(html):
    return re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)


def test_the_page_needs_no_network(html):
    page = without_scripts(html)
    addresses = re.findall(r"""\b(?:src|href)=["']([^"']*)""", page)
    assert addresses
    assert all(address.startswith(("#", "data:")) for address in addresses)
    assert "@import" not in page
    assert "url(" not in page
    assert not re.findall(r"<script[^>]+src=", html)


def test_the_page_says_what_the_record_holds(html, record):
    page = without_scripts(html)
    assert record.question in page
    for part in (
        "Chosen on validation, confirmed on test",
        "Is the difference real?",
        "Outputs side by side",
        "Hypervolume over trials",
        "loss is not finite at step 41",
        "BLEU|nrefs:1",
        "data/empty_rate",
        "Optuna&#39;s importance evaluator",
        "2 seeds per trial",
        "Configurations tried: sft 4, radis 6. Whatever was tried more often",
        "sampler:",
    ):
        assert part in page, part
    assert "undefined" not in page


def test_texts_of_models_are_shown_as_text_not_run(record, home, tmp_path):
    bad = "<script>alert(1)</script>"
    marked = replace(record, question=bad, spec={"name": bad})
    paths = write_report(marked, tmp_path, home=home)
    assert bad not in paths.page.read_text(encoding="utf-8")


def test_every_table_is_there_in_every_format(report):
    assert {
        "front",
        "trials",
        "confirmed",
        "comparison",
        "hypervolume",
        "facts",
        "signatures",
        "failures",
        "scores_test",
        "scores_validation",
    } <= set(report.tables)
    markdown = report.markdown.read_text(encoding="utf-8")
    for name, (table, latex) in report.tables.items():
        rows = list(csv.reader(table.read_text(encoding="utf-8").splitlines()))
        assert len({len(row) for row in rows}) == 1, name
        assert latex.read_text(encoding="utf-8").count(r"\begin{tabular}") == 1
    assert markdown.count("\n## ") == len(report.tables) + 1
    assert report.figure.read_bytes().startswith(b"\x89PNG")


def test_the_same_record_gives_the_same_page(record, home, report, tmp_path, html):
    shares = {o.key: {"lora.rank": 0.7, "variant.name": 0.3} for o in record.objectives}
    again = write_report(record, tmp_path, home=home, importances=shares)
    assert again.page.read_text(encoding="utf-8") == html
    assert again.figure.read_bytes() == report.figure.read_bytes()


@pytest.mark.parametrize(
    "objectives",
    [OBJECTIVES[:1], (*OBJECTIVES, SAFETY), (*OBJECTIVES, SAFETY, LENGTH)],
    ids=["one", "three", "four"],
)
def test_one_to_four_objectives_can_be_drawn(objectives, tmp_path):
    record = make_record(num_items=8, num_trials=3, objectives=objectives, fresh_seeds=())
    trials = tuple(
        replace(t, values=tuple(estimate_values(t, objectives))) if t.values else t
        for t in record.trials
    )
    record = replace(record, trials=trials, front=(1,))
    points = points_of(scored(record))
    figures = front_figures(points)
    assert [panel.in_space for panel in figures] == {
        1: [False],
        3: [False] * 3 + [True],
        4: [False] * 6 + [True],
    }[len(objectives)]
    write_front_png(points, tmp_path / "front.png")
    assert (tmp_path / "front.png").stat().st_size > 5000
    assert len(hypervolume_history(record)) == len(record.trials)


def estimate_values(trial, objectives):
    return [mean_value(trial.results, objective.key) for objective in objectives]


def test_a_sweep_that_has_only_begun_or_only_failed_is_reported_too(record, home, tmp_path):
    failed = replace(record, trials=record.trials[-1:], front=(), base=None)
    begun = replace(record, trials=(), front=())
    for name, early in (("failed", failed), ("begun", begun)):
        paths = write_report(early, tmp_path / name, home=home)
        assert "no trial is confirmed on test data" in paths.page.read_text(encoding="utf-8")


def test_the_front_table_has_the_members_best_first_and_the_base_last(record):
    table = front_table(scored(record))
    first = [row[0] for row in table.rows]
    assert first[-1] == ""
    assert {int(number) for number in first[:-1]} == set(record.front)
    values = [row[3].value for row in table.rows[:-1]]
    assert values == sorted(values, reverse=True)


def test_the_table_of_trials_says_who_breaks_a_constraint_and_by_how_much(record):
    table = trials_table(scored(record))
    column = [c.name for c in table.columns].index("feasible")
    cells = {row[0]: row[column] for row in table.rows}
    assert cells["0"] == "yes"
    assert cells["2"].startswith(f"no: {CONSTRAINT} by 0.")
    assert cells["9"] is None
    assert [table.rows[index][0] for index in sorted(table.marked)] == [
        str(number) for number in sorted(record.front)
    ]


def test_unmeasured_scores_and_overlaps_are_named(record, home, tmp_path):
    run = record.trials[4].results[0]
    run = replace(
        run,
        unmeasured={COMET: "no interpreter with COMET"},
        facts={
            **run.facts,
            "contamination/pocket_translation/en_de_test/near": 0.15,
            "comet/bf16_deviation/pocket_translation/en_de_validation": 0.25,
        },
    )
    trial = replace(record.trials[4], results=(run, *record.trials[4].results[1:]))
    trials = tuple(trial if t.number == 4 else t for t in record.trials)
    paths = write_report(replace(record, trials=trials), tmp_path, home=home)
    text = paths.markdown.read_text(encoding="utf-8")
    assert "| pocket_translation/en_de_validation/comet | no interpreter with COMET | #4 |" in text
    assert "| pocket_translation/en_de_test † | 0% | 15% |" in text
    assert "| pocket_translation/en_de_test † | bleu ↑ |" in text
    assert "1 benchmark overlaps with the training text" in text
    assert "| comet/bf16_deviation/pocket_translation/en_de_validation |" in text


def test_examples_are_drawn_from_items_where_answers_differ(record, home):
    found = collect_examples(record, home)
    assert found.speakers[0] == "base"
    assert [name.split()[0] for name in found.speakers[1:]] == ["sft", "radis"]
    for group in found.benchmarks:
        assert len(group.examples) == min(3, group.num_different)
        for example in group.examples:
            assert len(set(example.outputs)) > 1
    assert found == collect_examples(record, home)


def test_without_stored_predictions_there_are_no_examples(record, tmp_path):
    assert collect_examples(record, tmp_path).benchmarks == ()


def test_the_setting_that_decides_is_the_most_important(record):
    shares = forest_importances(record)[parse_key("pocket_general/summary")]
    assert sum(shares.values()) == pytest.approx(1.0)
    assert max(shares, key=shares.get) == "train.learning_rate"


def test_with_few_trials_no_importances_are_claimed():
    assert forest_importances(make_record(num_trials=2, num_items=10)) == {}
