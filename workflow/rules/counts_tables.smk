"""Counts tables from elsewhere: the same figures and statistics from somebody's refusal counts.

Produces results/counts_tables/{table}/{judge_correlation.csv,rates.csv,conclusions.csv,ranking.csv,figures/}.
"""


rule counts_table:
    """Validate a counts table, and compute the study's statistics and figures for it."""
    input:
        counts=lambda wildcards: GRID.config["counts_tables"][wildcards.table],
    output:
        correlation=paths.counts_table("judge_correlation.csv"),
        rates=paths.counts_table("rates.csv"),
        conclusions=paths.counts_table("conclusions.csv"),
        ranking=paths.counts_table("ranking.csv"),
        figures=directory(paths.counts_table("figures")),
    log:
        paths.log("counts_tables/{table}"),
    benchmark:
        paths.benchmark("counts_tables/{table}")
    conda:
        "../../envs/base.yaml"
    params:
        confidence=GRID.config["statistics"]["confidence"],
        margin=GRID.config["statistics"]["survival_margin"],
        look=FIGURES.look,
        code=digest("evaluate_counts_table.py"),
    message:
        "counts table {wildcards.table}: compute statistics and draw figures"
    script:
        "../scripts/evaluate_counts_table.py"
