"""Checkpoints: the model with a variant's edit in its weights.

Produces results/checkpoints/{model}/{variant}/ with edit_manifest.json: factors over the weights of results/models/{model}/
wherever they can be applied to the loaded model, else a whole checkpoint.
"""

from steadfast.grid.checkpoints import CheckpointJobs

CHECKPOINTS = CheckpointJobs(GRID)
EDITED_CHECKPOINT = directory(paths.CHECKPOINT)


rule checkpoint:
    """Stream the model's tensors through the edit, shard by shard."""
    input:
        model=paths.MODEL,
        direction=paths.DIRECTION,
        edit=CHECKPOINTS.chosen_edit,
        matched=CHECKPOINTS.matched,
    output:
        EDITED_CHECKPOINT
        if GRID.config["runtime"]["keep_checkpoints"]
        else temp(EDITED_CHECKPOINT),
    log:
        paths.log("checkpoints/{model}/{variant}"),
    benchmark:
        paths.benchmark("checkpoints/{model}/{variant}")
    wildcard_constraints:
        variant=either(CHECKPOINTS.variants),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(CHECKPOINTS.outputs)
    params:
        settings=CHECKPOINTS.edit,
        form=CHECKPOINTS.form,
        as_adapter=CHECKPOINTS.as_adapter,
        code=CHECKPOINTS.digest,
    message:
        "{wildcards.model}, {wildcards.variant}: edit the weights"
    script:
        "../scripts/bake_checkpoint.py"
