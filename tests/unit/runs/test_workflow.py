"""What is changed in Snakemake's objects before a run."""

import inspect
import sys
from types import SimpleNamespace

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from steadfast.runs.workflow import lift_rate_limit


@pytest.mark.parametrize(("cores", "lifted"), [(2, True), (None, False), (sys.maxsize, False)])
def test_submission_rate_limit_is_kept_on_clusters_only(cores, lifted):
    limit = object()
    workflow = SimpleNamespace(
        resource_settings=SimpleNamespace(cores=cores),
        remote_exec=False,
        scheduler=SimpleNamespace(job_rate_limiter=limit),
    )
    lift_rate_limit(workflow)
    assert workflow.scheduler.job_rate_limiter is (None if lifted else limit)


def test_snakemake_accepts_a_missing_rate_limiter():
    source = inspect.getsource(JobScheduler)
    assert "self.job_rate_limiter = (" in source and "if self.job_rate_limiter is None:" in source
