"""What Snakemake 9 says in texts, where it gives no event to go by; the one place that knows its wordings.

Everything else is read from the events of its log records (`steadfast.runs.terminal.display`).
"""

import re

# of Ctrl-C, and of SIGTERM, after which running steps come to their end
INTERRUPTIONS = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
# remarks on Snakemake itself that say nothing about the study
CHATTER = (
    "Using workflow specific profile",
    "Assuming unrestricted shared filesystem usage",
    "Building DAG of jobs",
    "Using shell:",
    "Group jobs: inactive",
    "Conda environments: ignored",
    "Singularity containers: ignored",
    "Select jobs to execute",
    "Elapsed time:",
    "Removing output files of failed job",
    "Exiting because a job execution failed",
    "WorkflowError:\nAt least one job did not complete successfully",
    "Reasons:\n",
    "Some jobs were triggered by provenance information",
    "Rules with provenance triggered jobs",
)
# the exception of a job whose command failed, which says nothing that its log does not say better
COMMAND_FAILED = "CalledProcessError"
_RETRY = re.compile(r"Trying to restart job (\d+)\.")
# of executors for clusters
_SUBMITTED = re.compile(r"Job \d+ has been submitted with ")


def retried_job(text: str) -> int | None:
    """Number of the job that is tried again; None if the text says no such thing."""
    found = _RETRY.fullmatch(text)
    return int(found[1]) if found else None


def is_chatter(text: str) -> bool:
    """Whether a text says nothing about the study."""
    return not text.strip() or text.startswith(CHATTER) or _SUBMITTED.match(text) is not None
