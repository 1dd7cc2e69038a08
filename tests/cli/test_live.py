import io

from rich.console import Console

from harness.cli.live import LiveView
from harness.records import parse_key
from harness.sweep.progress import Notice, Snapshot, TrialEnded, WorkerView

SNAPSHOT = Snapshot(
    sweep="pocket",
    phase="search",
    total=12,
    complete=4,
    failed=1,
    running=2,
    runs_done=5,
    runs_total=13,
    seconds=75.0,
    seconds_left=95.0,
    hypervolume=0.4,
    front=3,
    workers=(
        WorkerView(0, "trial 5", "adapter", 0.5, 1.25),
        WorkerView(1, "confirming 3, seed 101", "predictions", None),
    ),
)
ENDED = TrialEnded(
    3,
    {"variant.name": "radis", "variant.rationale_weight": 0.7654321, "lora.rank": 8},
    {parse_key("pocket_translation/summary"): 0.51234, parse_key("pocket_general/summary"): 0.9},
    feasible=False,
)


def shown(*news: object, terminal: bool, quiet: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, color_system=None)
    with LiveView(quiet=quiet, console=console) as view:
        for one in news:
            view(one)  # type: ignore[arg-type]
    return out.getvalue()


def test_elsewhere_than_on_a_terminal_there_are_plain_lines() -> None:
    text = shown(SNAPSHOT, ENDED, Notice("worker 1 was killed"), terminal=False)
    assert "trial 3: pocket_translation 0.512, pocket_general 0.900 (breaks a constraint)" in text
    assert "note: worker 1 was killed" in text
    assert "\x1b" not in text


def test_a_failed_trial_is_shown_with_its_reason_even_when_quiet() -> None:
    failed = TrialEnded(4, {}, {}, feasible=False, reason="step 3: the loss is not finite")
    text = shown(SNAPSHOT, ENDED, failed, terminal=False, quiet=True)
    assert text == "trial 4 failed: step 3: the loss is not finite\n"


def test_on_a_terminal_it_fits_eighty_columns() -> None:
    text = shown(SNAPSHOT, terminal=True)
    assert "4/12 trials, 1 failed, 2 running, front of 3, 1 min 35 s left" in text
    assert "trial 5: adapter 50 %, loss 1.250" in text
    plain = Console(file=io.StringIO(), width=80)
    lines = text.replace("\x1b[?25l", "").replace("\x1b[?25h", "").splitlines()
    assert all(plain.measure(line.split("\x1b")[0]).maximum <= 80 for line in lines)


def test_a_terminal_keeps_the_lines_of_ended_trials() -> None:
    assert "trial 3: pocket_translation 0.512" in shown(SNAPSHOT, ENDED, terminal=True)
