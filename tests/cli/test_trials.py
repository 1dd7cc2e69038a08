from harness.cli.trials import print_scores
from harness.records import Score, ScoreKey, Split, parse_key
from tests.tracking.test_recording import result


def test_what_a_score_says_of_itself_stands_below_the_tables(capsys):
    facts = {"unrated": 0.05, "sd_between_repeats": 0.1618}
    graded = Score("judge_grade", 6.5, True, "s", ("1",), ((6.5, 1.0),), facts=facts)
    plain = Score("empty", 0.0, False, "s", ("1",), ((0.0, 1.0),))
    scores = {"chat/talk_test/judge_grade": graded, "chat/talk_test/empty": plain}
    print_scores(result(scores={parse_key(key): score for key, score in scores.items()}))
    shown = " ".join(capsys.readouterr().out.split())
    assert "- chat/talk_test/judge_grade: unrated 0.05, sd_between_repeats 0.162" in shown
    assert "talk_test/empty:" not in shown


def test_a_test_score_stands_under_test_whatever_the_name_of_its_benchmark(capsys):
    score = Score("chrf", 61.25, True, "s", ("1",), ((61.25, 1.0),))
    print_scores(result(scores={ScoreKey("mine", "final", Split.TEST, "chrf"): score}))
    header, row = (line.split() for line in capsys.readouterr().out.splitlines()[2:5:2])
    assert header == ["benchmark", "metric", "validation", "test"]
    assert row == ["final", "chrf", "—", "61.25", "(1)"]


def test_a_score_has_half_of_its_interval_and_its_items_beside_it(capsys):
    rows = tuple((float(n < 40), 1.0) for n in range(100))
    score = Score("exact_match", 0.4, True, "s", tuple(map(str, range(100))), rows)
    print_scores(result(scores={ScoreKey("mine", "final", Split.TEST, "exact_match"): score}))
    shown = " ".join(capsys.readouterr().out.split())
    # t(99) at .975 is 1.9842; the variance .24 100 / 99 over 100 items
    assert "exact_match — 0.400 ±0.098 (100)" in shown
    assert "half of the 95 % interval over items" in shown
