"""Texts of Snakemake 9 for which there is no event, defined in this module only.

Everything else is read from the events of its log records (`steadfast.runs.terminal.display`).
"""

import re

# messages after Ctrl-C and SIGTERM, after which running steps finish
INTERRUPTIONS = ("Terminating processes on user request", "Will exit after finishing currently running jobs")
# remarks about Snakemake itself, irrelevant to the study
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
# the exception of a failed command, which its log explains better
COMMAND_FAILED = "CalledProcessError"
_RETRY = re.compile(r"Trying to restart job (\d+)\.")
# of executors for clusters
_SUBMITTED = re.compile(r"Job \d+ has been submitted with ")


def retried_job(text: str) -> int | None:
    """Number of the retried job; None if the text is not about a retry."""
    found = _RETRY.fullmatch(text)
    return int(found[1]) if found else None


def is_chatter(text: str) -> bool:
    """Whether a text is irrelevant to the study."""
    return not text.strip() or text.startswith(CHATTER) or _SUBMITTED.match(text) is not None
