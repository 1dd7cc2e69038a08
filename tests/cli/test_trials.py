from harness.cli.trials import print_scores
from harness.records import Score, parse_key
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
