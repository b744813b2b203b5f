"""Export of edits: an edited model as a LoRA adapter or as a whole checkpoint, on request.

Produces results/edited_models/adapter/{model}/{variant}/ and results/edited_models/checkpoint/{model}/{variant}/, each with
edit_manifest.json:

    snakemake --cores 1 results/edited_models/adapter/refusals/abliterated
"""

from steadfast.attacks.baking.edit_export import FORMS
from steadfast.grid.edit_export import EditExport

EDIT_EXPORT = EditExport(GRID)


rule export_edit:
    """Write an edited model as a LoRA adapter for PEFT and vLLM, or as a whole checkpoint."""
    input:
        model=paths.MODEL,
        direction=paths.DIRECTION,
        edit=EDIT_EXPORT.chosen_edit,
        matched=EDIT_EXPORT.matched,
    output:
        directory(paths.EXPORTED_EDIT),
    log:
        paths.log("edited_models/{form}/{model}/{variant}"),
    benchmark:
        paths.benchmark("edited_models/{form}/{model}/{variant}")
    wildcard_constraints:
        form=either(FORMS),
        variant=either(EDIT_EXPORT.variants),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        settings=EDIT_EXPORT.settings,
        base_name=EDIT_EXPORT.base_name,
        code=EDIT_EXPORT.digest,
    message:
        "{wildcards.model}, {wildcards.variant}: export the edit as {wildcards.form}"
    script:
        "../scripts/export_edit.py"
