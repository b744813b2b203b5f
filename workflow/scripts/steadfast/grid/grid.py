"""The grid that a configuration spans: which systems there are, who judges them, and what each stage is told.

The workflow's rules ask the grid for paths and for the slice of the configuration that a job depends on, so
that a change of one stanza makes stale what reads it and nothing else. Each module here serves some stages.
"""

from steadfast.grid.attacks import Attacks
from steadfast.grid.effects import Effects
from steadfast.grid.generating import Generating
from steadfast.grid.monitoring import Monitoring
from steadfast.grid.report import Report
from steadfast.grid.reporting import Reporting
from steadfast.grid.tuning import Tuning


class Grid(Attacks, Effects, Generating, Monitoring, Reporting, Report, Tuning):
    """Everything the rules need to know about a complete configuration."""
