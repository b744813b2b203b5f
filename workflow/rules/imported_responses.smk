"""Imported responses of models without weights (`source: responses`).

Produces results/responses/{model}/{variant}.parquet from the files that the configuration names.
"""

from steadfast.grid.imported_responses import ImportJobs

IMPORTS = ImportJobs(GRID)


rule import_responses:
    """Read the responses of one model–variant pair, and match them to the prompts."""
    input:
        files=IMPORTS.files,
        prompts=paths.PROMPTS,
    output:
        paths.responses(),
    log:
        paths.log("responses/{model}/{variant}"),
    benchmark:
        paths.benchmark("responses/{model}/{variant}")
    wildcard_constraints:
        model=either(IMPORTS.models),
    conda:
        "../../envs/base.yaml"
    params:
        entry=IMPORTS.entry,
        thinking_markers=GRID.config["generation"]["thinking_markers"],
        code=digest("import_responses.py"),
    message:
        "{wildcards.model}, {wildcards.variant}: read the responses"
    script:
        "../scripts/import_responses.py"
