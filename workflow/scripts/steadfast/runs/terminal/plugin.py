"""The display of a run as a logger plugin of Snakemake, ``--logger steadfast``, which profiles/default asks for.

Snakemake hands log records to its plugins in a thread of their own, so that a terminal that is slow, or stopped by
Ctrl-S, does not hold up the run. What the Snakefile has to show goes the same way, and so keeps its place among them.
"""

import logging
import sys
import threading
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

from snakemake.logging import ColorizingTextHandler, logger
from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry

from steadfast.core.terminal_encoding import show_any_text
from steadfast.runs.estimates.forecast import Forecast
from steadfast.runs.terminal.display import END, FORECAST, RunDisplay
from steadfast.runs.terminal.failures import FailedStep
from steadfast.runs.terminal.screen import screen_for

NAME = "steadfast"
MODULE = "snakemake_logger_plugin_steadfast"
# seconds between two looks at the running steps
LOOK_SECONDS = 1.0
# seconds that the end of a run waits for what was logged before it to be shown
END_SECONDS = 30.0


class LogHandler(LogHandlerBase):
    """Shows the records of a run, or with ``--verbose`` what Snakemake itself shows of them."""

    # the one that this process's run has
    current: "LogHandler | None" = None

    def __post_init__(self) -> None:
        show_any_text()
        settings = self.common_settings
        stream = sys.stdout if settings.stdout else sys.stderr
        self._over = threading.Event()
        self._verbatim = ColorizingTextHandler(nocolor=settings.nocolor, stream=stream) if settings.verbose else None
        screen = screen_for(stream, colors=not settings.nocolor)
        self._display = RunDisplay(screen, self.format, dry_run=settings.dryrun)
        if not settings.verbose:
            LogHandler.current = self
            threading.Thread(target=self._watch, daemon=True).start()

    @property
    def writes_to_stream(self) -> bool:
        """Yes: it takes the place of Snakemake's own display."""
        return True

    @property
    def writes_to_file(self) -> bool:
        """No: Snakemake's own log file is written as well."""
        return False

    @property
    def has_filter(self) -> bool:
        """No: Snakemake's filter heeds ``--quiet``."""
        return False

    @property
    def has_formatter(self) -> bool:
        """No: Snakemake's formatter words what has no event."""
        return False

    @property
    def needs_rulegraph(self) -> bool:
        """No: the graph of rules is not shown."""
        return False

    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        """Take Snakemake's formatter."""
        super().setFormatter(fmt)
        if self._verbatim:
            self._verbatim.setFormatter(fmt)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record. Whatever goes wrong, the thread that brings records goes on."""
        try:
            if self._verbatim:
                self._verbatim.emit(record)
            else:
                self._display.take(record)
        except Exception:
            self.handleError(record)
        finally:
            if shown := getattr(record, "shown", None):
                shown.set()

    def close(self) -> None:
        """Stop watching, and leave the terminal as it was."""
        self._over.set()
        with suppress(OSError, ValueError):
            self._display.close()
        super().close()

    def describe_run(self, title: str) -> None:
        """Set what is shown above the first step: the grid in a few words."""
        self._display.title = title

    def foresee(self, forecast: Forecast, lines: Iterable[str]) -> None:
        """Take over what is expected of the run, and show its outlook.

        Args:
            forecast: of the run's steps, by their numbers.
            lines: the outlook.
        """
        logger.info("\n".join(lines), extra={"event": FORECAST, "forecast": forecast})

    def end(self, *, succeeded: bool) -> None:
        """Say how the run ended, after everything that was logged before is shown, and leave the terminal to others."""
        shown = threading.Event()
        logger.info(None, extra={"event": END, "succeeded": succeeded, "shown": shown})
        shown.wait(END_SECONDS)

    @property
    def interrupted(self) -> bool:
        """Whether the user or a signal asked the run to end; known after `end`."""
        return self._display.interrupted

    @property
    def failures(self) -> Sequence[FailedStep]:
        """The steps that failed; known after `end`."""
        return list(self._display.failures.values())

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            self.acquire()
            try:
                if not self._over.is_set():
                    self._display.look()
            finally:
                self.release()


def register() -> list[str]:
    """Let Snakemake know the plugin, which it finds by itself only where the package is installed.

    Returns:
        Values for ``--logger``.
    """
    import snakemake_logger_plugin_steadfast as module

    # the disk may be full that Snakemake's own log is on; Python would show a traceback for every line of it
    logging.raiseExceptions = False
    sys.excepthook = _without_traceback_of_interrupts
    LoggerPluginRegistry().register_plugin(MODULE, module)
    return [NAME]


def _without_traceback_of_interrupts(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    """Snakemake handles Ctrl-C while steps run; before that, as while it reads the rules, nothing else does."""
    if issubclass(kind, KeyboardInterrupt):
        print("Interrupted before any step began.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def run_display(*, main_process: bool) -> Any:
    """The display of this process's run; None in jobs, with ``--verbose`` and with another logger."""
    return LogHandler.current if main_process else None
