"""Checkpoints: the model with a variant's edit baked into its weights.

Produces results/checkpoints/{model}/{variant}/, loadable like any checkpoint, with edit_manifest.json.
"""

EDITED_CHECKPOINT = directory("results/checkpoints/{model}/{variant}")


rule checkpoint:
    """Stream the model's tensors through the edit, shard by shard."""
    input:
        model="results/models/{model}",
        direction="results/directions/{model}/{variant}.safetensors",
        matched=lambda wildcards: GRID.matched_checkpoint(
            wildcards.model, wildcards.variant
        ),
    output:
        EDITED_CHECKPOINT
        if GRID.config["runtime"]["keep_checkpoints"]
        else temp(EDITED_CHECKPOINT),
    log:
        "results/logs/checkpoints/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/checkpoints/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.edited_variants()),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.checkpoints(GRID.edited_systems()))
    params:
        settings=lambda wildcards: GRID.edit(wildcards.variant),
        code=lambda wildcards: GRID.edit_digest(wildcards.variant),
    message:
        "{wildcards.model}, {wildcards.variant}: edit the weights"
    script:
        "../scripts/bake_checkpoint.py"
