"""Responses: every model responds to prompts in all its variants, with its weights loaded once.

Produces results/responses/{model}/{variant}.parquet from the evaluation prompts. From calibration prompts it produces
results/calibration/responses/{model}/original.parquet, for directions that contrast refused with answered prompts
(`contrast: behavior`), and results/attack_selection/responses/{model}/{variant}.parquet, for variants that are the
best attack of some sweeps (`best_attack_of`); other grids do not request those. Every finished response is kept in
results/answers/responses/{model}/, so that a job that runs again generates only what is new.
"""

from steadfast.grid.responses import response_jobs, sampling

RESPONDING = response_jobs(GRID)

for answered in RESPONDING:

    rule:
        """Generate the responses of one model's variants to the prompts of one split."""
        name:
            answered.rule
        input:
            checkpoints=answered.checkpoints,
            directions=answered.directions,
            prompts=paths.PROMPTS,
        output:
            answered.outputs,
        log:
            paths.log(answered.log),
        benchmark:
            paths.benchmark(answered.log)
        wildcard_constraints:
            model=either(answered.models),
        conda:
            f"../../envs/{answered.environment}.yaml"
        threads:
            THREADS.by_model(
                [
                    path
                    for jobs in RESPONDING
                    for path in jobs.first_outputs
                    if jobs.split == answered.split
                ]
            )
        resources:
            gpu=JOBS.gpus,
            machine=JOBS.machine,
        params:
            split=answered.split,
            variants=answered.variant_fields,
            engine=answered.engine,
            cache=lambda job: paths.RESPONSE_CACHE.at(model=job.model),
            sampling=sampling(GRID),
            thinking_markers=GRID.config["generation"]["thinking_markers"],
            chat=JOBS.chat,
        message:
            answered.message
        script:
            "../scripts/generate_responses.py"
