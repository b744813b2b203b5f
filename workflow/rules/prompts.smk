"""Prompts: sources → cleaned, de-duplicated, split table.

Produces results/prompts/prompts.parquet and the summary of counts, lengths and categories beside it.
"""

from steadfast.grid.prompts import prompt_files, prompts_digest


rule prompts:
    """Collect harmful and harmless prompts and split them into calibration, evaluation and human subset."""
    input:
        files=prompt_files(GRID),
    output:
        prompts=paths.PROMPTS,
        summary=paths.PROMPT_SUMMARY,
    log:
        paths.log("prompts/prompts"),
    benchmark:
        paths.benchmark("prompts/prompts")
    conda:
        "../../envs/base.yaml"
    params:
        settings=GRID.config["prompts"],
        seed=GRID.config["seed"],
        code=prompts_digest(GRID),
    message:
        "collect and split the prompts"
    script:
        "../scripts/build_prompts.py"
