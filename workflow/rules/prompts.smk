"""Prompts: sources → cleaned, de-duplicated, split table.

Produces results/prompts/prompts.parquet and the summary of counts, lengths and categories beside it.
"""


rule prompts:
    """Collect harmful and harmless prompts and split them into calibration, evaluation and human subset."""
    input:
        files=GRID.prompt_files(),
    output:
        prompts="results/prompts/prompts.parquet",
        summary="results/prompts/summary.csv",
    log:
        "results/logs/prompts/prompts.log",
    benchmark:
        "results/benchmarks/prompts/prompts.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        settings=GRID.config["prompts"],
        seed=GRID.config["seed"],
        code=GRID.digest("build_prompts.py", *GRID.prompt_modules()),
    message:
        "collect and split the prompts"
    script:
        "../scripts/build_prompts.py"
