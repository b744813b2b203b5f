"""Directions: activations of the calibration prompts → the direction of each variant.

Produces results/activations/{model}.safetensors and results/directions/{model}/{variant}.safetensors, with the
whole selection grid beside it as CSV.
"""

from steadfast.grid.directions import DirectionJobs, direction_jobs

DIRECTIONS = DirectionJobs(GRID)


rule activations:
    """Record the residual stream after every block on the calibration prompts."""
    input:
        model=paths.MODEL,
        prompts=paths.PROMPTS,
    output:
        paths.ACTIVATIONS,
    log:
        paths.log("activations/{model}"),
    benchmark:
        paths.benchmark("activations/{model}")
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(DIRECTIONS.activations)
    resources:
        gpu=JOBS.gpus,
        machine=JOBS.forward_passes(),
    params:
        chat=JOBS.chat,
        positions=DIRECTIONS.positions,
        code=digest("extract_activations.py"),
    message:
        "{wildcards.model}: record activations"
    script:
        "../scripts/extract_activations.py"


for found in direction_jobs(GRID, by_running=False):

    rule:
        """Find the direction of a variant, or all directions of a sweep, in the activations."""
        name:
            found.rule
        input:
            activations=paths.ACTIVATIONS,
            judgments=found.judgments,
        output:
            **found.outputs,
        log:
            paths.log(found.log),
        benchmark:
            paths.benchmark(found.log)
        wildcard_constraints:
            variant=either(found.variants),
        conda:
            "../../envs/base.yaml"
        threads: 1
        params:
            searches=found.searches,
            seed=GRID.config["seed"],
            code=found.digest,
        message:
            found.message
        script:
            "../scripts/find_direction.py"


SEARCHING = direction_jobs(GRID, by_running=True)
FIRST_DIRECTIONS = [path for jobs in SEARCHING for path in jobs.first_outputs]

for searched in SEARCHING:

    rule:
        """Find directions by causal selection, or with the keys of a rank-one edit: both run the model."""
        name:
            searched.rule
        input:
            model=paths.MODEL,
            prompts=paths.PROMPTS,
            activations=paths.ACTIVATIONS,
            judgments=searched.judgments,
        output:
            **searched.outputs,
        log:
            paths.log(searched.log),
        benchmark:
            paths.benchmark(searched.log)
        wildcard_constraints:
            variant=either(searched.variants),
        conda:
            "../../envs/base.yaml"
        threads: THREADS.by_model(FIRST_DIRECTIONS)
        resources:
            gpu=JOBS.gpus,
            machine=JOBS.forward_passes(),
        params:
            searches=searched.searches,
            seed=GRID.config["seed"],
            chat=JOBS.chat,
            code=searched.digest,
        message:
            searched.message
        script:
            "../scripts/find_direction_by_running.py"
