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
    assert row == ["final", "chrf", "—", "61.25"]
