"""The plan of a sweep on the screen: ``harness sweep --dry-run``."""

from typing import TYPE_CHECKING

import click

from harness.cli import output

if TYPE_CHECKING:
    from harness.records import JSON
    from harness.sweep.plan import SweepPlan

MOST_SHOWN = 12


def print_plan(plan: "SweepPlan", *, shows: str) -> None:
    """What would be run, what is there, how long it would take, what differences it shows."""
    click.secho(f"Plan of {plan.name}", bold=True)
    click.echo(output.paragraphs(plan.question, indent=2))
    click.echo()
    _line("trials", f"{plan.trials}: {_progress(plan)}")
    _line(
        "sampler",
        f"{plan.sampler}: settles {len(plan.configurations)} beforehand, guides {plan.guided}",
    )
    if plan.shares is not None:
        unequal = "" if plan.shares.equal else "; unequal: the more tries, the better its chance"
        _line("each", f"by {plan.shares.path}: {plan.shares}{unequal}")
    _line("runs", _runs(plan))
    _line("base", "scored already" if plan.base_known else "to be scored first")
    stages = ", ".join(f"{count} {stage}" for stage, count in plan.stages.items())
    _line("store", f"{stages or 'empty'}; what fits is not made again")
    _line(
        "time",
        f"about {output.duration(plan.seconds)} with --workers {plan.workers} "
        f"({output.duration(plan.run_seconds)} a run, {plan.basis})",
    )
    tokens = ", ".join(
        f"{count / 1e6:.2f} M {'trained on' if name.startswith('train/') else 'generated'}"
        for name, count in plan.tokens.items()
    )
    _line("tokens", tokens or "not known before a first run")
    _line("texts", _texts(plan))
    _line("shows", shows)
    _print_configurations(plan)


def _line(name: str, text: str) -> None:
    click.echo(f"{name:<9}{output.paragraphs(text, indent=9).lstrip()}")


def _texts(plan: "SweepPlan") -> str:
    """What models are to write before training, for what is settled beforehand."""
    texts = plan.texts
    if not texts.texts:
        return "none to be written for training"
    about = "at most" if texts.at_most else "about"
    tokens = f"{texts.texts:,} to be written for training, {about} {texts.tokens:,} tokens"
    if texts.seconds is None:
        return f"{tokens}; how fast is not known before a first run"
    return f"{tokens}, {output.duration(texts.seconds)}"


def _progress(plan: "SweepPlan") -> str:
    parts = [f"{plan.ended} ended", f"{plan.begun} begun", f"{_new(plan)} new"]
    return ", ".join(part for part in parts if not part.startswith("0 ")) or "nothing left to do"


def _new(plan: "SweepPlan") -> int:
    return max(0, plan.trials - plan.ended - plan.begun)


def _runs(plan: "SweepPlan") -> str:
    seeds = "1 seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    text = f"{plan.search_runs} to search ({seeds} a trial)"
    if plan.confirm_runs:
        text += f", at most {plan.confirm_runs} to confirm on test benchmarks with fresh seeds"
    return text


def _print_configurations(plan: "SweepPlan") -> None:
    if not plan.configurations:
        return
    click.echo("\nSettled beforehand:")
    for number, params in enumerate(plan.configurations[:MOST_SHOWN]):
        settings = ", ".join(f"{path} {_short(value)}" for path, value in params.items())
        click.echo(output.paragraphs(f"- {number}: {settings}", indent=2))
    more = len(plan.configurations) - MOST_SHOWN
    if more > 0:
        click.echo(f"  - and {more} more (--json has all)")


def _short(value: "JSON") -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
