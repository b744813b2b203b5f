"""Judgments: every judge gives a verdict on every response.

Produces results/judgments/{judge}/{model}/{variant}.parquet, and of responses to calibration prompts
results/calibration/judgments/... and results/attack_selection/judgments/..., if a direction or the selection of an
attack uses them. A judge that needs the weights of the model under test runs once per model, for all its variants,
and judges control responses of another model in the same job
(results/self_evaluation/{judge}/{model}/{variant}.parquet). Every other judge, and every rubric, runs once for the whole
grid, so that its own weights are loaded once and cheap judges cost one process, not one per pair.
"""

from steadfast.grid.judgments import self_judging_jobs, judging_jobs

for judging in judging_jobs(GRID):

    rule:
        """Judge the responses of many model–variant pairs by one judge."""
        name:
            judging.rule
        input:
            responses=judging.responses,
            prompts=paths.PROMPTS,
            files=judging.files,
        output:
            judgments=judging.judgments,
        log:
            paths.log(judging.log),
        benchmark:
            paths.benchmark(judging.log)
        conda:
            f"../../envs/{judging.environment}.yaml"
        threads: THREADS.of(judging.models, judging.side_by_side)
        resources:
            gpu=judging.gpus,
            machine=judging.machine,
        params:
            judge=judging.arguments,
            split=judging.split,
            label=judging.label,
            scale=judging.scale,
            code=judging.digest,
        message:
            judging.message
        script:
            "../scripts/judge_responses.py"


SELF_JUDGING_JOBS = self_judging_jobs(GRID)

for own in SELF_JUDGING_JOBS:

    rule:
        """Judge the own and control responses of a model's variants by the variants themselves."""
        name:
            own.rule
        input:
            responses=own.responses,
            others=own.others,
            prompts=paths.PROMPTS,
            files=own.files,
            checkpoints=own.checkpoints,
            directions=own.directions,
        output:
            **own.outputs,
        log:
            paths.log(own.log),
        benchmark:
            paths.benchmark(own.log)
        wildcard_constraints:
            judge=either(own.judges),
            model=either(own.models),
        conda:
            "../../envs/base.yaml"
        threads:
            THREADS.by_model(
                [
                    path
                    for jobs in SELF_JUDGING_JOBS
                    for path in jobs.first_outputs
                    if jobs.split == own.split
                ]
            )
        resources:
            gpu=own.gpus,
            machine=own.machine,
        params:
            judging=own.judging,
            split=own.split,
            control=own.control,
            cache=lambda job: paths.OWN_JUDGMENT_CACHE.at(model=job.model),
        message:
            f"judge {{wildcards.judge}}: judge the responses of {{wildcards.model}}, {own.count}"
        script:
            "../scripts/judge_own_responses.py"
