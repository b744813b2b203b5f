"""Responses: every model–variant pair responds to prompts.

Produces results/responses/{model}/{variant}.parquet from the evaluation prompts. From calibration prompts it produces
results/calibration/responses/{model}/original.parquet, for directions that contrast refused with answered prompts
(`contrast: behavior`), and results/attack_selection/responses/{model}/{variant}.parquet, for variants that are the
best attack of some sweeps (`strongest_of`); other grids do not request those.
"""

from steadfast.grid.responses import response_jobs, sampling

for answered in response_jobs(GRID):

    rule:
        """Generate the responses of one model–variant pair to the prompts of one split."""
        name:
            answered.rule
        input:
            checkpoint=answered.checkpoint,
            direction=answered.direction,
            prompts=paths.PROMPTS,
        output:
            answered.output,
        log:
            paths.log(answered.log),
        benchmark:
            paths.benchmark(answered.log)
        wildcard_constraints:
            variant=either(answered.variants),
        conda:
            f"../../envs/{answered.environment}.yaml"
        threads: THREADS.by_model(answered.outputs)
        resources:
            gpu=JOBS.gpus,
            machine=JOBS.machine,
        params:
            split=answered.split,
            first=answered.first,
            subject=answered.subject,
            settings=answered.settings,
            sampling=sampling(GRID),
            thinking_markers=GRID.config["generation"]["thinking_markers"],
            chat=JOBS.chat,
            code=answered.digest,
        message:
            f"{{wildcards.model}}, {{wildcards.variant}}: {answered.aim}"
        script:
            "../scripts/generate_responses.py"
