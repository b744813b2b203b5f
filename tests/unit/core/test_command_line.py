"""Commands that are called by hand."""

import subprocess

import pytest

from steadfast.core.command_line import run_command_line
from steadfast.core.errors import DataError


def fail_with(error):
    def main():
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (DataError("a.csv is empty"), "error: a.csv is empty\n"),
        (FileNotFoundError(2, "No such file or directory", "b.csv"), "error: b.csv: No such file or directory\n"),
        (
            subprocess.CalledProcessError(128, ["git", "archive", "x y"]),
            "error: this command failed (exit status 128): git archive 'x y'\n",
        ),
    ],
)
def test_users_error_is_one_message(error, message, capsys):
    with pytest.raises(SystemExit) as ended:
        run_command_line(fail_with(error))
    assert ended.value.code == 1
    assert capsys.readouterr().err == message


def test_programming_error_keeps_its_traceback():
    with pytest.raises(KeyError):
        run_command_line(fail_with(KeyError("x")))


@pytest.mark.parametrize(("status", "code"), [(None, 0), (3, 3), ({"a": 1}, 0)])
def test_exit_status_is_that_of_the_command(status, code):
    with pytest.raises(SystemExit) as ended:
        run_command_line(lambda: status)
    assert ended.value.code == code
