"""``harness sweep``: run or continue a sweep, the main job."""

import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli import options, output
from harness.cli.logs import is_quiet

if TYPE_CHECKING:
    from harness.records import JSON, SweepRecord
    from harness.sweep.spec import CheckedSweep


@click.command(
    "sweep",
    epilog=options.examples(
        "harness sweep sweeps/pocket.yaml --workers 2",
        "harness sweep sweeps/pocket.yaml --dry-run",
        "harness sweep sweeps/pocket.yaml --set base.train.steps=50 --set name=quick",
    ),
)
@click.argument("file", type=options.FILE, metavar="SWEEP.yaml")
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    show_default="the sweep's",
    help="Budget: how many configurations (of each value, where `trials_per` names a setting).",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    help="Local worker processes; where there are GPUs each has one to itself, as long as they "
    "last. COMET is one more process whatever their number (0.5 GB for the "
    "pocket's model, 3 GB for wmt22-comet-da).",
)
@click.option("--dry-run", is_flag=True, help="Show the plan and run nothing.")
@options.run_options(options.storage, options.tracking_uri)
def command(
    file: Path,
    trials: int | None,
    workers: int,
    dry_run: bool,
    run: options.RunOptions,
) -> None:
    """Run or continue a sweep, the main job; show and report its front.

    The same command continues a sweep that was interrupted, killed or given more trials: nothing
    finished is done again. Every trial is logged to MLflow, in the experiment named like the
    sweep. --set takes paths of the sweep (trials, sampler.seed, base.train.steps).
    """
    from harness.sweep.spec import check_sweep

    budget: options.Overrides = () if trials is None else (("trials", trials),)
    checked = check_sweep(file, run.overrides + budget)
    spec = checked.spec
    from harness.sweep.budget import showing
    from harness.trial.preflight import preflight

    preflight(spec.base, run.home, checked.selection.benchmarks, showing(spec))
    if dry_run:
        _show_plan(checked, workers, run)
        return
    from harness.cli.fronts import plain_answer, plain_paths, print_front, print_paths
    from harness.cli.live import LiveView
    from harness.report.build import find_report, write_report
    from harness.sweep.record import sweep_folder
    from harness.sweep.run import run_sweep

    def report(record: "SweepRecord", folder: Path) -> Sequence[Path]:
        return [write_report(record, folder, home=run.home).folder]

    with LiveView(quiet=is_quiet()) as live:
        record = run_sweep(
            checked,
            home=run.home,
            workers=workers,
            tracking_uri=run.tracking_uri,
            storage=run.storage,
            on_progress=live,
            report=report,
        )
    folder = sweep_folder(run.home, spec.name) / "report"
    paths = find_report(folder) or write_report(record, folder, home=run.home)
    if run.as_json:
        output.print_json(_plain(record) | plain_answer(record) | {"report": plain_paths(paths)})
        return
    print_front(record)
    print_paths(paths)
    click.echo(f"MLflow    {_ui_command(run.tracking_uri)}")


def _show_plan(checked: "CheckedSweep", workers: int, run: options.RunOptions) -> None:
    from harness.cli.plan import short_form
    from harness.cli.plans import print_plan
    from harness.sweep.plan import plan_sweep
    from harness.sweep.unchanged import check_begun

    spec = checked.spec
    check_begun(checked, home=run.home, storage=run.storage)
    plan = plan_sweep(spec, home=run.home, workers=workers, storage=run.storage)
    text, shown = short_form(spec, run.home, run.storage)
    if run.as_json:
        output.print_json(asdict(plan) | {"shows": shown})
    else:
        print_plan(plan, shows=text)


def _plain(record: "SweepRecord") -> dict[str, "JSON"]:
    from harness.statistics.untelling import untelling_of
    from harness.trial.curves import mean_metrics

    return {
        "sweep": record.name,
        "trials": [
            {
                "number": trial.number,
                "state": trial.state,
                "params": dict(trial.params),
                "scores": mean_metrics(trial.results),
                "confirmed": mean_metrics(trial.confirmed),
                "feasible": trial.feasible,
                "reason": trial.reason,
                "run_id": trial.run_id,
            }
            for trial in record.trials
        ],
        "front": list(record.front),
        "cannot_tell_apart": list(untelling_of(record)),
        "run_id": record.run_id,
    }


def _ui_command(tracking_uri: str | None) -> str:
    named = "" if tracking_uri is None else f" --tracking-uri {shlex.quote(tracking_uri)}"
    return f"harness ui{named}"
