"""What a run makes and reads, as Snakemake's object of this name, ``workflow``, knows it; what is shown at its end."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.integrity import require_as_made
from steadfast.grid.paths import REPORT, SUMMARY

TARGET = "all"


def outputs_to_make(workflow: Any) -> set[str]:
    """Files that the run is about to make."""
    return {str(file) for job in workflow.dag.needrun_jobs() for file in job.output}


def cores_of(workflow: Any) -> int | None:
    """Cores that all jobs of this machine share; None where a cluster runs them."""
    cores = workflow.resource_settings.cores
    return None if cores is None or cores == sys.maxsize else int(cores)


def lift_rate_limit(workflow: Any) -> None:
    """Let jobs of this machine start without Snakemake's limit of submissions, which is meant for clusters.

    To keep it Snakemake 9 sets a timer after every look for jobs to start, and every job that ends leaves one more that
    starts itself anew: after two hundred steps they keep a quarter of a processor busy.
    """
    if cores_of(workflow) is not None:
        workflow.scheduler.job_rate_limiter = None


def inputs_there(workflow: Any) -> list[str]:
    """Files that the run is about to read and does not make before."""
    read = {str(file) for job in workflow.dag.needrun_jobs() for file in job.input}
    return sorted(read - outputs_to_make(workflow))


def closing_words(workflow: Any) -> Iterator[str]:
    """What is shown at the end of a run: the summary and where the report is, if they were part of what was asked for.

    After a target that is not the whole grid those of an earlier run may lie there.
    """
    current = {str(file) for job in workflow.dag.jobs for file in job.output}
    try:
        require_as_made(file for file in (SUMMARY, REPORT) if file in current and Path(file).exists())
    except DataError as error:
        yield str(error)
        return
    if SUMMARY in current:
        yield Path(SUMMARY).read_text(encoding="utf-8").rstrip("\n")
    if REPORT in current:
        yield f"Report: {REPORT}"
