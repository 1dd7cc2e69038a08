import pytest

from tests.outside import PIECES, skip, skip_without, summary


def reason_of(*names, reason=""):
    with pytest.raises(pytest.skip.Exception) as skipped:
        skip(*names, reason=reason)
    return f"Skipped: {skipped.value.msg}"


def test_the_summary_counts_tests_by_what_they_lack_and_says_where_it_is_from():
    reasons = [
        reason_of("wmt22", "alma"),
        reason_of("alma"),
        reason_of("benchmarks", reason="flores/dev is missing"),
        "Skipped: there is an accelerator",
    ]
    first, *pieces = summary(reasons)
    assert first.startswith("3 tests skipped for want of data outside the project")
    assert pieces == [
        f"  {count} of {name}: {PIECES[name]}"
        for name, count in (("alma", 2), ("benchmarks", 1), ("wmt22", 1))
    ]


def test_nothing_is_said_where_nothing_is_lacking():
    assert list(summary(["Skipped: there is an accelerator"])) == []


def test_a_piece_nobody_knows_is_refused():
    with pytest.raises(AssertionError):
        skip_without("wmt2")
