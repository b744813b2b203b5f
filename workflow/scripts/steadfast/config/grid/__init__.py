"""The grid that a configuration spans: which systems there are, who judges them, and what each stage is told.

The workflow's rules ask the grid for paths and for the slice of the configuration that a job depends on, so
that a change of one stanza makes stale what reads it and nothing else. Each module here serves some stages.
"""

from steadfast.config.grid.attacks import Attacks
from steadfast.config.grid.effects import Effects
from steadfast.config.grid.generating import Generating
from steadfast.config.grid.judging import judge_module
from steadfast.config.grid.monitoring import Monitoring
from steadfast.config.grid.report import Report
from steadfast.config.grid.reporting import Reporting
from steadfast.config.grid.systems import SCRIPTS, System
from steadfast.config.grid.tuning import Tuning

__all__ = ["SCRIPTS", "Grid", "System", "judge_module"]


class Grid(Attacks, Effects, Generating, Monitoring, Reporting, Report, Tuning):
    """Everything the rules need to know about a complete configuration."""
