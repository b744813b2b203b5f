"""Directions: activations of the calibration prompts → the direction of each variant.

Produces results/activations/{model}.safetensors and results/directions/{model}/{variant}.safetensors, with the
whole selection grid beside it as CSV.
"""


rule activations:
    """Record the residual stream after every block on the calibration prompts."""
    input:
        model="results/models/{model}",
        prompts="results/prompts/prompts.parquet",
    output:
        "results/activations/{model}.safetensors",
    log:
        "results/logs/activations/{model}.log",
    benchmark:
        "results/benchmarks/activations/{model}.tsv"
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.activation_files(GRID.systems))
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=GRID.extraction_machine(),
    params:
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        positions=GRID.positions(),
        code=GRID.digest("extract_activations.py"),
    message:
        "{wildcards.model}: record activations"
    script:
        "../scripts/extract_activations.py"


rule direction:
    """Find the direction of a variant in the activations."""
    input:
        activations="results/activations/{model}.safetensors",
        judgments=lambda wildcards: GRID.contrasted_judgments(
            wildcards.model, wildcards.variant
        ),
    output:
        direction="results/directions/{model}/{variant}.safetensors",
        selection="results/directions/{model}/{variant}.csv",
    log:
        "results/logs/directions/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/directions/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.directed_variants(by_running=False)),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        settings=lambda wildcards: GRID.direction(wildcards.variant),
        seed=GRID.config["seed"],
        code=lambda wildcards: GRID.direction_digest(wildcards.variant),
    message:
        "{wildcards.model}, {wildcards.variant}: find the direction"
    script:
        "../scripts/find_direction.py"


rule direction_by_running:
    """Find a direction by causal selection, or with the keys of a rank-one edit: both run the model."""
    input:
        model="results/models/{model}",
        prompts="results/prompts/prompts.parquet",
        activations="results/activations/{model}.safetensors",
        judgments=lambda wildcards: GRID.contrasted_judgments(
            wildcards.model, wildcards.variant
        ),
    output:
        direction="results/directions/{model}/{variant}.safetensors",
        selection="results/directions/{model}/{variant}.csv",
    log:
        "results/logs/directions/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/directions/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.directed_variants(by_running=True)),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.directions_by_running())
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=GRID.extraction_machine(),
    params:
        settings=lambda wildcards: GRID.direction(wildcards.variant),
        seed=GRID.config["seed"],
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        code=lambda wildcards: GRID.direction_digest(
            wildcards.variant, "find_direction_by_running.py"
        ),
    message:
        "{wildcards.model}, {wildcards.variant}: find the direction by running the model"
    script:
        "../scripts/find_direction_by_running.py"
