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
    threads: 1
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=GRID.extraction_machine(),
    params:
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        positions=GRID.positions(),
        code=GRID.digest("extract_activations.py"),
    script:
        "../scripts/extract_activations.py"


rule direction:
    """Find the direction that a variant's edit removes."""
    input:
        activations="results/activations/{model}.safetensors",
    output:
        direction="results/directions/{model}/{variant}.safetensors",
        selection="results/directions/{model}/{variant}.csv",
    log:
        "results/logs/directions/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/directions/{model}/{variant}.tsv"
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        settings=lambda wildcards: GRID.direction(wildcards.variant),
        seed=GRID.config["seed"],
        code=lambda wildcards: GRID.direction_digest(wildcards.variant),
    script:
        "../scripts/find_direction.py"
