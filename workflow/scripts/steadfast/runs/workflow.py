"""Outputs and inputs of a run, from Snakemake's object ``workflow``, and the message at its end."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steadfast.core.errors import DataError
from steadfast.core.integrity import require_as_made
from steadfast.grid.paths import ANNOTATION_PAGE, REPORT, SUMMARY

TARGET = "all"
# pages to open in a browser, with their titles
PAGES = {REPORT: "Report", ANNOTATION_PAGE: "Annotation page"}
MOST_NAMED = 5


def outputs_to_make(workflow: Any) -> set[str]:
    """Files that the run will create."""
    return {str(file) for job in workflow.dag.needrun_jobs() for file in job.output}


def cores_of(workflow: Any) -> int | None:
    """Cores that all jobs of this machine share; None where a cluster runs them.

    A cluster job parses the rules again, on a node that may have more cores than the job: its threads are those that
    the run requested, not those of the node.
    """
    if workflow.remote_exec:
        return None
    cores = workflow.resource_settings.cores
    return None if cores is None or cores == sys.maxsize else int(cores)


def lift_rate_limit(workflow: Any) -> None:
    """Let jobs of this machine start without Snakemake's limit of submissions, which is meant for clusters.

    To keep it Snakemake 9 sets a timer after every look for jobs to start, and every job that ends leaves one more that
    starts itself again: after two hundred steps they keep a quarter of a processor busy.
    """
    if cores_of(workflow) is not None:
        workflow.scheduler.job_rate_limiter = None


def inputs_there(workflow: Any) -> list[str]:
    """Files that the run reads but does not create."""
    read = {str(file) for job in workflow.dag.needrun_jobs() for file in job.input}
    return sorted(read - outputs_to_make(workflow))


def closing_words(workflow: Any) -> Iterator[str]:
    """What is shown at the end of a run: the summary if it was asked for, and where the files are that were.

    What was asked for are the outputs of the targets, and for a target without outputs, as ``all`` is, its inputs.
    """
    asked = {str(file): job for job in workflow.dag.targetjobs for file in (job.output or job.input)}
    try:
        require_as_made(file for file in (SUMMARY, *PAGES) if file in asked and Path(file).exists())
    except DataError as error:
        yield str(error)
        return
    if SUMMARY in asked:
        yield Path(SUMMARY).read_text(encoding="utf-8").rstrip("\n")
    shown = [page for page in PAGES if page in asked]
    yield from (f"{PAGES[page]}: {page}" for page in shown)
    if not shown and SUMMARY not in asked:
        written = sorted(file for file, job in asked.items() if job.output)
        more = f" and {len(written) - MOST_NAMED} more" if len(written) > MOST_NAMED else ""
        if written:
            yield f"Written: {', '.join(written[:MOST_NAMED])}{more}"
