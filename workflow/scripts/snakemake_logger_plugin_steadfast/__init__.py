"""Snakemake's name for the display of a run; see ``steadfast.runs.terminal.plugin``."""

from steadfast.runs.terminal.plugin import LogHandler

__all__ = ["LogHandler"]
