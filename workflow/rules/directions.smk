"""Directions: activations of the calibration prompts → the direction of each variant.

Produces results/activations/{model}.safetensors and results/directions/{model}/{variant}.safetensors, with the
whole selection grid beside it as CSV.
"""

from steadfast.grid.directions import DirectionJobs

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


rule direction:
    """Find the direction of a variant in the activations."""
    input:
        activations=paths.ACTIVATIONS,
        judgments=DIRECTIONS.judgments,
    output:
        direction=paths.DIRECTION,
        selection=paths.SELECTION,
    log:
        paths.log("directions/{model}/{variant}"),
    benchmark:
        paths.benchmark("directions/{model}/{variant}")
    wildcard_constraints:
        variant=either(DIRECTIONS.variants(by_running=False)),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        settings=DIRECTIONS.settings,
        seed=GRID.config["seed"],
        code=DIRECTIONS.digest,
    message:
        "{wildcards.model}, {wildcards.variant}: find the direction"
    script:
        "../scripts/find_direction.py"


rule direction_by_running:
    """Find a direction by causal selection, or with the keys of a rank-one edit: both run the model."""
    input:
        model=paths.MODEL,
        prompts=paths.PROMPTS,
        activations=paths.ACTIVATIONS,
        judgments=DIRECTIONS.judgments,
    output:
        direction=paths.DIRECTION,
        selection=paths.SELECTION,
    log:
        paths.log("directions/{model}/{variant}"),
    benchmark:
        paths.benchmark("directions/{model}/{variant}")
    wildcard_constraints:
        variant=either(DIRECTIONS.variants(by_running=True)),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(DIRECTIONS.by_running)
    resources:
        gpu=JOBS.gpus,
        machine=JOBS.forward_passes(),
    params:
        settings=DIRECTIONS.settings,
        seed=GRID.config["seed"],
        chat=JOBS.chat,
        code=DIRECTIONS.running_digest,
    message:
        "{wildcards.model}, {wildcards.variant}: find the direction by running the model"
    script:
        "../scripts/find_direction_by_running.py"
