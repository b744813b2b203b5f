"""Judgments: every judge gives a verdict on every response.

Produces results/judgments/{judge}/{model}/{variant}.parquet, and of responses to calibration prompts
results/calibration/judgments/... and results/attack_selection/judgments/..., where a direction or the choice of an
attack goes by them. A judge that needs the weights of the model under test runs once per model, for all its variants,
and judges control responses of another model in the same job
(results/self_evaluation/{judge}/{model}/{variant}.parquet). Every other judge, and every rubric, runs once for the whole
grid, so that its own weights are loaded once and cheap judges cost one process, not one per pair.
"""

from steadfast.grid.judgments import own_readings, readings

for reading in readings(GRID):

    rule:
        """Let one judge judge the responses of many model–variant pairs."""
        name:
            reading.rule
        input:
            responses=reading.responses,
            prompts=paths.PROMPTS,
            files=reading.files,
        output:
            judgments=reading.judgments,
        log:
            paths.log(reading.log),
        benchmark:
            paths.benchmark(reading.log)
        conda:
            f"../../envs/{reading.environment}.yaml"
        threads: THREADS.of(reading.models, reading.side_by_side)
        resources:
            gpu=reading.gpus,
            machine=reading.machine,
        params:
            judge=reading.arguments,
            split=reading.split,
            label=reading.label,
            scale=reading.scale,
            code=reading.digest,
        message:
            reading.message
        script:
            "../scripts/judge_responses.py"


OWN_READINGS = own_readings(GRID)

for own in OWN_READINGS:

    rule:
        """Let the variants of a model judge their own responses and control responses of another model."""
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
                    for jobs in OWN_READINGS
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
