"""The display of a run as a logger plugin of Snakemake, ``--logger steadfast``, set in profiles/default.

Snakemake passes log records to its plugins in a separate thread, so that a slow or stopped (Ctrl-S) terminal does not
block the run. Output of the Snakefile takes the same way, which preserves the order.
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
# seconds between updates of the running steps
LOOK_SECONDS = 1.0
# seconds that the end of a run waits for earlier records to be shown
END_SECONDS = 30.0


class LogHandler(LogHandlerBase):
    """Shows the records of a run, or with ``--verbose`` Snakemake's own output."""

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
        """Show a record; errors do not stop the logging thread."""
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
        """Stop the display and restore the terminal."""
        self._over.set()
        with suppress(OSError, ValueError):
            self._display.close()
        super().close()

    def describe_run(self, title: str) -> None:
        """Set the title above the first step: a short description of the grid."""
        self._display.title = title

    def foresee(self, forecast: Forecast, lines: Iterable[str]) -> None:
        """Set the forecast of the run, and show its outlook.

        Args:
            forecast: of the run's steps, by their numbers.
            lines: the outlook.
        """
        logger.info("\n".join(lines), extra={"event": FORECAST, "forecast": forecast})

    def end(self, *, succeeded: bool) -> None:
        """Report how the run ended, after all earlier records, and release the terminal."""
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
    """Register the plugin with Snakemake, which finds it by itself only if the package is installed.

    Returns:
        Values for ``--logger``.
    """
    import snakemake_logger_plugin_steadfast as module

    # if the disk of Snakemake's log is full, Python would show a traceback for every line
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
