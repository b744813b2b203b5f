"""Checkpoints: the model with a variant's edit in its weights.

Produces results/checkpoints/{model}/{variant}/ with edit_manifest.json: factors over the weights of results/models/{model}/
wherever they can be applied to the loaded model, else a whole checkpoint.
"""

from steadfast.grid.checkpoints import CheckpointJobs, checkpoint_jobs

EDITING = checkpoint_jobs(GRID)
FIRST_CHECKPOINTS = [path for jobs in EDITING for path in jobs.first_outputs]
# they are removed as soon as nothing needs them, unless they are to stay
KEPT = GRID.keeps_checkpoints

for edited in EDITING:

    rule:
        """Stream the model's tensors through the edit of a variant, or through all edits of a sweep."""
        name:
            edited.rule
        input:
            model=paths.MODEL,
            directions=edited.directions,
            edit=edited.chosen_edit,
            matched=edited.matched,
        output:
            [
                directory(name) if KEPT else temp(directory(name))
                for name in edited.outputs
            ],
        log:
            paths.log(edited.log),
        benchmark:
            paths.benchmark(edited.log)
        wildcard_constraints:
            variant=either(edited.variants),
        conda:
            "../../envs/base.yaml"
        threads: THREADS.by_model(FIRST_CHECKPOINTS)
        params:
            edits=edited.edits,
            as_adapter=CheckpointJobs(GRID).as_adapter,
            code=edited.digest,
        message:
            edited.message
        script:
            "../scripts/bake_checkpoint.py"
