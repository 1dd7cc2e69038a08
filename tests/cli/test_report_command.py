import csv

import pytest

from tests.cli import toy

pytestmark = pytest.mark.slow


def test_an_analysis_comes_with_a_report_when_it_is_asked_for(harness, tmp_path, tiny_model_dir):
    toy.make(tmp_path, tiny_model_dir)
    swept = harness("sweep", "sweep.yaml", "--tracking-uri", f"sqlite:///{tmp_path}/t.db")
    assert swept.code == 0, swept.err
    tables = tmp_path / ".harness/sweeps/toy/report/tables"
    assert not list(tables.glob("analysis_*"))
    shown = harness("report", "toy", "--analysis", "--json")
    assert shown.code == 0, shown.err
    rows = list(csv.DictReader((tables / "analysis_costs.csv").read_text().splitlines()))
    assert [row["method"].split()[0] for row in rows] == ["sft", "base"]
    assert int(rows[0]["trained tokens"]) > 0
    assert float(rows[0]["per translation"]) > 0
    assert (tables / "analysis_costs.tex").is_file()
    assert "No drift is known of sft" in (tables.parent / "report.html").read_text()
