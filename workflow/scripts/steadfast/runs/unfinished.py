"""The report of an unfinished run: it shows existing results and lists missing ones.

Snakemake does not start steps that depend on a failed one, and the report depends on everything. So if a run stops
early, the report is written from current files: those that this run created, or had no reason to create again. If the
table of all verdicts is missing, verdicts, rates, agreement and conclusions are computed from the existing judgments,
for the report only.
"""

import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from steadfast.core.errors import SteadfastError
from steadfast.core.integrity import remove_records
from steadfast.grid.grid import Grid
from steadfast.grid.judgments import judgment_files
from steadfast.grid.paths import REPORT
from steadfast.runs.terminal.failures import FailedStep
from steadfast.runs.workflow import outputs_to_make

RULE = "report"
MOST_NAMED = 12


def report_unfinished_run(workflow: Any, grid: Grid, failures: Iterable[FailedStep]) -> Iterator[str]:
    """Write the report of current results, with an old time stamp, so that the next run writes it again.

    Args:
        workflow: Snakemake's object of this name, after the run.
        grid: the grid.
        failures: the steps that failed.

    Yields:
        Lines for the terminal: the path of the report, or why there is none; nothing if no report was requested.
    """
    job = next((job for job in workflow.dag.needrun_jobs() if job.rule.name == RULE), None)
    if job is None:
        return
    missing = outputs_to_make(workflow)

    def current(paths: Iterable[Any]) -> list[str]:
        return [str(path) for path in paths if str(path) not in missing and Path(path).exists()]

    try:
        with TemporaryDirectory() as folder:
            _write(job, grid, list(failures), current, Path(folder))
    except SteadfastError as error:
        yield f"There is no report of what was made: {error}"
    except Exception as error:
        # an error here must not hide why the run failed
        traceback.print_exc()
        yield f"There is no report of what was made: {type(error).__name__}: {error}"
    else:
        yield f"Report of what was made, with what is missing: {REPORT}"


def _write(
    job: Any, grid: Grid, failures: Sequence[FailedStep], current: Callable[[Iterable[Any]], list[str]], folder: Path
) -> None:
    # pandas and matplotlib are imported only if there is something to report
    from steadfast.report.page import write_report
    from steadfast.runs.partial_report import partial_tables

    given = {name: _listed(job.input[name]) for name in ("verdicts", "prompts", "responses", "tables", "figures")}
    verdicts, tables = current(given["verdicts"]), current(given["tables"])
    if not verdicts:
        verdicts, made = partial_tables(grid, current, folder)
        known = {Path(path).stem for path in tables}
        tables += [path for path in made if Path(path).stem not in known]
    found = {**{name: current(paths) for name, paths in given.items()}, "tables": tables}
    settings = {**job.params.settings, "unfinished": unfinished_words(failures, given, found, grid, current)}
    remove_records([REPORT])
    write_report(
        html=REPORT,
        resources=Path(job.input.assets[0]).parents[1],
        figures=found["figures"],
        verdicts=verdicts[0],
        prompts=given["prompts"][0],
        responses=found["responses"],
        tables=tables,
        artifacts=current(job.params.artifacts),
        labels=job.params.labels,
        inference=job.params.inference,
        files=job.params.files,
        **settings,
    )
    oldest = min(os.stat(path).st_mtime for path in current(job.input))
    os.utime(REPORT, (oldest - 1, oldest - 1))


def unfinished_words(
    failures: Sequence[FailedStep],
    given: dict[str, list[str]],
    found: dict[str, list[str]],
    grid: Grid,
    current: Callable[[Iterable[Any]], list[str]],
) -> str:
    """Which steps failed and why, and what the report lacks.

    Args:
        failures: the steps that failed.
        given: input files of the complete report, by kind.
        found: the files that the report was written from.
        grid: the grid.
        current: returns those of the given files that are current.
    """
    failed = "; ".join(f"{failure.step}: {failure.cause.splitlines()[0]}" for failure in failures[:MOST_NAMED])
    beginning = f"Failed: {failed}. " if failed else ""
    judgments = judgment_files(grid)
    judged = len(current(judgments))
    have = {Path(path).stem for path in found["tables"]}
    lacking = {
        "tables": [Path(path).stem for path in given["tables"] if Path(path).stem not in have],
        "figures": [Path(path).stem for path in _lacking(given, found, "figures")],
        "responses of": [
            "/".join(Path(path).with_suffix("").parts[-2:]) for path in _lacking(given, found, "responses")
        ],
    }
    parts = [f"{kind} {_few(names)}" for kind, names in lacking.items() if names]
    if judged < len(judgments):
        parts.append(f"{len(judgments) - judged} of {len(judgments)} cells of verdicts")
    return beginning + (
        f"Not in this report: {'; '.join(parts)}." if parts else "Everything that the report reads is there."
    )


def _lacking(given: dict[str, list[str]], found: dict[str, list[str]], kind: str) -> list[str]:
    return [path for path in given[kind] if path not in found[kind]]


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def _listed(value: Any) -> list[str]:
    return [str(value)] if isinstance(value, str) else [str(path) for path in value]
