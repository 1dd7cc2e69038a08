import errno
import os

import click
import pytest
from click.testing import CliRunner

from harness.cli.failures import reported
from harness.errors import ConfigError, EvaluationError, TrainingError


def run(error: BaseException) -> tuple[int, str, str]:
    @click.command()
    def command() -> None:
        with reported():
            raise error

    result = CliRunner().invoke(command)
    return result.exit_code, result.stdout, result.stderr


def test_an_error_is_a_message_and_a_hint_on_stderr():
    assert run(ConfigError("a.yaml: x\na.yaml: y", "try z")) == (
        2,
        "",
        "error: a.yaml: x\nerror: a.yaml: y\nhint: try z\n",
    )


@pytest.mark.parametrize("error", [TrainingError("loss is nan"), EvaluationError("no memory")])
def test_a_failed_run_exits_with_3(error):
    code, _, err = run(error)
    assert code == 3
    assert err == f"error: {error.message}\n"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interruption_exits_with_130(error):
    code, _, err = run(error)
    assert code == 130
    assert "whatever finished is kept" in err


def test_a_fault_of_the_file_system_names_the_file():
    code, _, err = run(OSError(errno.EACCES, os.strerror(errno.EACCES), "out/scores.json"))
    assert code == 2
    assert err == "error: out/scores.json: Permission denied\n"


def test_a_library_that_is_not_installed_is_no_bug():
    code, _, err = run(ModuleNotFoundError("No module named 'peft'", name="peft"))
    assert code == 2
    assert "'peft' is not installed" in err
    assert "make setup" in err


def test_anything_else_is_called_a_bug_and_shows_where():
    code, _, err = run(ZeroDivisionError("division by zero"))
    assert code == 3
    assert "Traceback" in err
    assert "This is a bug in the harness" in err
