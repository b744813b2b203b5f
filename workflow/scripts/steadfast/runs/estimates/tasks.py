"""The steps of a run from Snakemake's object ``workflow``, with estimates."""

from functools import partial
from typing import Any

from steadfast.runs.estimates.costs import Costs
from steadfast.runs.estimates.forecast import Forecast, PlannedStep, recorded_seconds
from steadfast.runs.workflow import TARGET, cores_of


def forecast_of(workflow: Any, costs: Costs) -> Forecast:
    """Forecast of a run before it starts.

    Args:
        workflow: Snakemake's object.
        costs: costs of the grid's steps.
    """
    dag = workflow.dag
    numbers = {job: int(dag.jobid(job)) for job in dag.needrun_jobs() if job.rule.name != TARGET}
    tasks = {
        number: PlannedStep(
            job.rule.name,
            _cost(costs, job),
            int(job.threads),
            [numbers[other] for other in dag.dependencies[job] if other in numbers],
            _recorded(job),
        )
        for job, number in numbers.items()
    }
    finished = [job for job in dag.jobs if job not in numbers and job.rule.name != TARGET]
    history = [(job.rule.name, _cost(costs, job)(), seconds) for job in finished if (seconds := _recorded(job))]
    return Forecast(tasks, cores_of(workflow), history)


def _cost(costs: Costs, job: Any) -> Any:
    return partial(costs.seconds, job.rule.name, dict(job.wildcards_dict), int(job.threads))


def _recorded(job: Any) -> float | None:
    return recorded_seconds(str(job.benchmark)) if job.benchmark else None
