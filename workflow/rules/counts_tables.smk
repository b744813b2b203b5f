"""Counts tables of other studies: the same figures and statistics from their refusal counts.

Produces results/counts_tables/{table}/{judge_correlation.csv,rates.csv,conclusions.csv,ranking.csv,figures/}.
"""

from steadfast.grid.counts_tables import CountsTables

COUNTS_TABLES = CountsTables(GRID)


rule counts_table:
    """Validate a counts table, and compute the study's statistics and figures for it."""
    input:
        counts=COUNTS_TABLES.file,
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
