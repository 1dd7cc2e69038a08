from harness.records import StageEvent
from harness.sweep.progress import Notice, SweepNews
from harness.sweep.view import View


def test_a_note_of_a_run_is_a_notice_that_names_the_run() -> None:
    told: list[SweepNews] = []
    view = View("s", budget=1, num_confirming=0, num_workers=1, on_progress=told.append)
    view.event(0, "trial 5", StageEvent("completions", "progress", 0.5))
    view.event(0, "trial 5", StageEvent("completions", "progress", 0.5, note="going on"))
    assert [one for one in told if isinstance(one, Notice)] == [
        Notice("trial 5: completions: going on")
    ]
