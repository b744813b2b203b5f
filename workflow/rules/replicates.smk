"""Replicates: models that share a group, taken together and compared at equal refusal margins.

Produces results/tables/groups.csv, results/tables/matched.csv and results/figures/replicates.{pdf,png}, in grids that
have groups.
"""


rule replicates:
    """Compute rates and changes of groups of replicates, with confidence intervals across seeds."""
    input:
        verdicts="results/tables/verdicts.parquet",
    output:
        "results/tables/groups.csv",
    log:
        "results/logs/tables/groups.log",
    benchmark:
        "results/benchmarks/tables/groups.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        groups=GRID.groups(),
        inference=GRID.inference(),
        code=GRID.digest("aggregate_replicates.py"),
    message:
        "aggregate the replicates of each recipe"
    script:
        "../scripts/aggregate_replicates.py"


rule refusal_margin:
    """Measure the refusal margin of a model by the first token of its responses."""
    input:
        model="results/models/{model}",
        prompts="results/prompts/prompts.parquet",
    output:
        "results/margins/{model}.csv",
    log:
        "results/logs/margins/{model}.log",
    benchmark:
        "results/benchmarks/margins/{model}.tsv"
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=GRID.extraction_machine(),
    params:
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        code=GRID.digest("measure_margin.py"),
    message:
        "{wildcards.model}: measure the refusal margin"
    script:
        "../scripts/measure_margin.py"


rule matched:
    """Compare the groups of each family at equal refusal margins before the edit."""
    input:
        robustness="results/tables/robustness.csv",
        models=expand("results/models/{model}", model=GRID.groups()),
        margins=expand("results/margins/{model}.csv", model=GRID.groups()),
    output:
        "results/tables/matched.csv",
    log:
        "results/logs/tables/matched.log",
    benchmark:
        "results/benchmarks/tables/matched.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        groups=GRID.groups(),
        families=GRID.config["statistics"]["families"],
        confidence=GRID.config["statistics"]["confidence"],
        code=GRID.digest("match_groups.py"),
    message:
        "compare groups at equal refusal margins"
    script:
        "../scripts/match_groups.py"


rule replicate_figure:
    """Draw the refusal rates of groups of replicates, with confidence intervals across seeds."""
    input:
        groups="results/tables/groups.csv",
        robustness="results/tables/robustness.csv",
    output:
        expand("results/figures/replicates.{suffix}", suffix=["pdf", "png"]),
    log:
        "results/logs/figures/replicates.log",
    benchmark:
        "results/benchmarks/figures/replicates.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        groups=GRID.groups(),
        labels={**GRID.all_labels(), "models": GRID.group_labels()},
        controls=GRID.controls(),
        judge=GRID.config["figures"]["judge"] or GRID.machine_reference,
        confidence=GRID.config["statistics"]["confidence"],
        code=GRID.digest("draw_replicates.py"),
    message:
        "draw the figure of replicates"
    script:
        "../scripts/draw_replicates.py"
