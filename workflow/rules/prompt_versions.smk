"""Prompt versions: how far the verdicts of a judge depend on how it is asked.

Produces results/tables/prompt_versions.csv.
"""

from steadfast.grid.prompt_versions import (
    counted_verdicts,
    versioned_judgments,
    versions,
)


rule prompt_versions:
    """Measure the spread of a judge's rates over the versions of its prompt."""
    input:
        judgments=versioned_judgments(GRID),
        prompts=paths.PROMPTS,
    output:
        paths.table("prompt_versions"),
    log:
        paths.log("tables/prompt_versions"),
    benchmark:
        paths.benchmark("tables/prompt_versions")
    conda:
        "../../envs/base.yaml"
    params:
        versions=versions(GRID),
        counted=counted_verdicts(GRID),
        controls=GRID.controls,
        code=digest("compare_prompt_versions.py"),
    message:
        "compare the versions of judges"
    script:
        "../scripts/compare_prompt_versions.py"
