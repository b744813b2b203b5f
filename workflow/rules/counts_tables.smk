"""Counts tables from elsewhere: the same figures and statistics from somebody's refusal counts.

Produces results/counts_tables/{table}/{judge_correlation.csv,rates.csv,conclusions.csv,ranking.csv,figures/}.
"""


rule counts_table:
    """Validate a counts table, and compute the study's statistics and figures for it."""
    input:
        counts=lambda wildcards: GRID.config["counts_tables"][wildcards.table],
    output:
        correlation="results/counts_tables/{table}/judge_correlation.csv",
        rates="results/counts_tables/{table}/rates.csv",
        conclusions="results/counts_tables/{table}/conclusions.csv",
        ranking="results/counts_tables/{table}/ranking.csv",
        figures=directory("results/counts_tables/{table}/figures"),
    log:
        "results/logs/counts_tables/{table}.log",
    benchmark:
        "results/benchmarks/counts_tables/{table}.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        confidence=GRID.config["statistics"]["confidence"],
        margin=GRID.config["statistics"]["survival_margin"],
        code=GRID.digest("evaluate_counts_table.py"),
    message:
        "counts table {wildcards.table}: compute statistics and draw figures"
    script:
        "../scripts/evaluate_counts_table.py"
