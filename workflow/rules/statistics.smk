"""Statistics: one table of all verdicts, and everything that is computed from it.

Produces results/tables/{verdicts.parquet,counts.csv,agreement.csv,robustness.csv} and results/summary.txt.
"""


rule verdicts:
    """Gather all judgments into one tidy table, and count them."""
    input:
        judgments=GRID.judgments(),
        prompts="results/prompts/prompts.parquet",
    output:
        verdicts="results/tables/verdicts.parquet",
        counts="results/tables/counts.csv",
    log:
        "results/logs/tables/verdicts.log",
    benchmark:
        "results/benchmarks/tables/verdicts.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        cells=GRID.cells(),
        code=GRID.digest("collect_verdicts.py"),
    script:
        "../scripts/collect_verdicts.py"


rule agreement:
    """Compare every pair of judges."""
    input:
        verdicts="results/tables/verdicts.parquet",
    output:
        "results/tables/agreement.csv",
    log:
        "results/logs/tables/agreement.log",
    benchmark:
        "results/benchmarks/tables/agreement.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        statistics=GRID.config["statistics"],
        seed=GRID.config["seed"],
        controls=GRID.controls(),
        code=GRID.digest("compare_judges.py"),
    script:
        "../scripts/compare_judges.py"


rule robustness:
    """Compare every variant with the original model, per judge."""
    input:
        verdicts="results/tables/verdicts.parquet",
    output:
        "results/tables/robustness.csv",
    log:
        "results/logs/tables/robustness.log",
    benchmark:
        "results/benchmarks/tables/robustness.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        statistics=GRID.config["statistics"],
        seed=GRID.config["seed"],
        controls=GRID.controls(),
        code=GRID.digest("measure_robustness.py"),
    script:
        "../scripts/measure_robustness.py"


rule summary:
    """The short table that is shown at the end of a run."""
    input:
        counts="results/tables/counts.csv",
        figures=STUDY_FIGURES,
    output:
        "results/summary.txt",
    log:
        "results/logs/summary.log",
    benchmark:
        "results/benchmarks/summary.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.all_labels(),
        controls=GRID.controls(),
        code=GRID.digest("summarise.py"),
    script:
        "../scripts/summarise.py"
