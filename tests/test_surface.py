"""What others rely on, as it is: the names of ``harness``, the commands and their options.

A name or an option more is a line more here, and one that goes is a break to be told of.
"""

import click
import pytest

import harness
from harness.cli.main import COMMANDS, main

PUBLIC = (
    "ConfigError DataError EvaluationError HarnessError MissingExtra Score ScoreKey SweepSpec "
    "TrainingError TrialConfig TrialResult parse_key run_trial"
)
RUN = "--set --output --tracking/--no-tracking --tracking-uri"
SURFACE = {
    "sweep": "SWEEP.yaml --trials --workers --dry-run --set --storage --tracking-uri --home --json",
    "run": f"TRIAL.yaml {RUN} --home --json",
    "evaluate": "MODEL --adapter --suite --benchmarks --split --limit --batch-size --device "
    f"--dtype {RUN} --home --json",
    "export": "ADAPTER --model --output --dtype --tolerance --device --set --storage --home --json",
    "archive": "SWEEP --output --texts/--no-texts --home --json",
    "score": "FILE --metric --set --comet-model --comet-python --source-lang --target-lang "
    "--thoughts --reference --source --items --judgements --home --json",
    "compare": "FIRST_SECOND... --metric --margin --set --reference --source --cluster "
    "--source-lang --target-lang --thoughts --comet-model --comet-python --markdown --latex --home "
    "--tracking-uri --storage --json",
    "plan": "[SWEEP|BASELINE] --metric --difference --tolerance --seeds --items --sd-seeds "
    "--sd-items --sd-rest --common-seeds/--separate-seeds --home --storage --json",
    "report": "SWEEP --output --analysis --home --storage --json",
    "check": "BASELINE.json SCORES --tolerance --gate --undecided --junit --markdown --github "
    "--update --tracking-uri --storage --home --json",
    "data": "CORPUS --kind --target-path --format --source-lang --target-lang --against "
    "--against-file --benchmarks --set --json",
    "list": "KIND [NAME]... --folder --home --json",
    "doctor": "[FILE.yaml] --fetch --tracking-uri --home --json",
    "clean": "--stage --outdated --older-than --dry-run --yes --home --json",
    "ui": "--port --tracking-uri",
}


def test_the_public_names_are_these():
    assert sorted(harness.__all__) == PUBLIC.split()


def test_the_commands_are_these():
    assert set(COMMANDS) == set(SURFACE)


@pytest.mark.parametrize("name", SURFACE)
def test_the_arguments_and_options_of_a_command_are_these(name):
    command = main.get_command(click.Context(main), name)
    assert command is not None
    said = {"-v/--verbose"} | ({"-q/--quiet"} if name != "list" else set())
    assert {typed(one) for one in command.params} == set(SURFACE[name].split()) | said


def typed(parameter):
    """How it is typed: an option's spellings, what an argument is shown as."""
    if isinstance(parameter, click.Option):
        return "/".join((*parameter.opts, *parameter.secondary_opts))
    return parameter.human_readable_name.replace(" ", "_")
