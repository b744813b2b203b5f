"""The command that goes on with a run."""

import sys

import pytest

from steadfast.core.command import pass_on, run_command


@pytest.fixture(autouse=True)
def _no_command(monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "")
    monkeypatch.delenv("STEADFAST_COMMAND")


def test_run_command_repeats_the_snakemake_call(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/snakemake", "--cores", "2", "--configfile", "my grid.yaml"])
    assert run_command() == "snakemake --cores 2 --configfile 'my grid.yaml'"


def test_run_command_repeats_python_dash_m_snakemake(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    monkeypatch.setattr(sys, "argv", ["/somewhere/snakemake/__main__.py", "-n"])
    assert run_command() == ".venv/bin/python -m snakemake -n"


def test_run_command_repeats_the_make_call(monkeypatch):
    monkeypatch.setenv("STEADFAST_COMMAND", "make run CONFIG=mine.yaml ")
    assert run_command() == "make run CONFIG=mine.yaml"


def test_jobs_inherit_the_command_of_their_run(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/snakemake", "--cores", "2"])
    pass_on()
    monkeypatch.setattr(sys, "argv", ["/tmp/script.py", "1"])
    assert run_command() == "snakemake --cores 2"


def test_run_command_defaults_to_make_run(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/tmp/script.py", "1"])
    assert run_command() == "make run"
