"""Figures: the study's three, and the controls'.

Produces results/figures/{refusal_counts,judge_correlation,refusal_heatmap_harmful,...}.{pdf,png}.
"""


rule study_figures:
    """Draw the refusal counts, the correlation of the judges and the heat maps, all from one verdict table."""
    input:
        counts="results/tables/counts.csv",
        agreement="results/tables/agreement.csv",
    output:
        figures=STUDY_FIGURES,
    log:
        "results/logs/figures/study.log",
    benchmark:
        "results/benchmarks/figures/study.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.all_labels(),
        controls=GRID.controls(),
        judge=GRID.config["figures"]["judge"] or GRID.machine_reference,
        code=GRID.digest("draw_study_figures.py"),
    script:
        "../scripts/draw_study_figures.py"
