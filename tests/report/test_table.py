import csv
import io

import pytest

from harness.report.table import Column, Table, number_text, to_csv, to_latex, to_markdown
from harness.statistics.estimates import Estimate

TABLE = Table(
    "trials",
    "All trials",
    (Column("trial", "text"), Column("bleu ↑", "estimate"), Column("kept", "percent")),
    (
        ("a|b & c_d", Estimate(74.318, 71.2, 77.0), 0.913),
        ("none", None, None),
        ("difference", Estimate(0.071, 0.017, 0.125, signed=True, remark="better"), 1.0),
    ),
    "5 % of it.",
)


def test_text_has_intervals_percentages_and_a_dash_for_nothing():
    assert TABLE.text() == [
        ("a|b & c_d", "74.3 [71.2, 77.0]", "91%"),
        ("none", "–", "–"),
        ("difference", "+0.071 [+0.017, +0.125] better", "100%"),
    ]


def test_markdown_keeps_its_columns_whatever_the_cells_hold():
    lines = [line for line in to_markdown(TABLE).splitlines() if line.startswith("|")]
    assert lines[1] == "| --- | ---: | ---: |"
    assert lines[2] == r"| a\|b & c_d | 74.3 [71.2, 77.0] | 91% |"


def test_csv_has_all_digits_and_columns_for_the_interval():
    rows = list(csv.reader(io.StringIO(to_csv(TABLE))))
    assert rows[0] == ["trial", "bleu ↑", "bleu ↑ low", "bleu ↑ high", "kept"]
    assert rows[1] == ["a|b & c_d", "74.318", "71.2", "77.0", "0.913"]
    assert rows[2] == ["none", "", "", "", ""]


def test_headings_of_csv_have_no_marks_that_programs_would_have_to_know():
    table = Table("t", "T", (Column("general †‡ ↑", "estimate"), Column("safety ‡")), ())
    assert to_csv(table) == "general ↑,general ↑ low,general ↑ high,safety\n"


def test_latex_escapes_what_it_would_read_as_its_own():
    text = to_latex(TABLE)
    assert r"a|b \& c\_d & 74.3 {[}71.2, 77.0{]} & 91\% \\" in text
    assert r"bleu $\uparrow$" in text
    assert r"\caption{All trials. 5 \% of it.}" in text
    assert r"\begin{tabular}{lrr}" in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.5, "0.500"),
        (0.0, "0.000"),
        (1.0, "1.000"),
        (9420.0, "9,420"),
        (0.00004, "4.0e-05"),
        (0.00091, "0.0009"),
        (-3.0, "-3.000"),
        (1234.5, "1,234"),
        (15.26, "15.3"),
    ],
)
def test_numbers_have_the_digits_worth_reading(value, text):
    assert number_text(value) == text
