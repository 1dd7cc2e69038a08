"""Test sets that are files: what of them is looked for."""

import logging

from harness.data.testsets import read_items

XML = """<dataset><doc id="a"><src lang="en"><seg id="1">A dog.</seg></src>
<ref lang="de" translator="A"><seg id="1">Ein Hund.</seg></ref></doc>
<doc id="b"><src lang="en"><seg id="1">A cat.</seg></src></doc></dataset>"""


def test_documents_without_a_reference_are_counted_and_the_others_looked_for(tmp_path, caplog):
    (tmp_path / "test.xml").write_text(XML)
    with caplog.at_level(logging.WARNING):
        (item,) = read_items(str(tmp_path / "test.xml"))
    assert (item["id"], item["source"], item["references"]) == ("a-1", "A dog.", ["Ein Hund."])
    assert "1 segments without a text in one of the languages are not looked for" in caplog.text


def test_lines_without_anything_to_be_seen_are_no_items(tmp_path):
    (tmp_path / "test.txt").write_text("A dog.\n\u200b\n\n A cat.\n", encoding="utf-8")
    assert [item["id"] for item in read_items(str(tmp_path / "test.txt"))] == ["1", "4"]
