"""Comparison of two runs: what changed between two results folders (`snakemake compare_runs --cores 1`).

Produces results/run_comparison.md and results/tables/run_comparison.csv, only on request.
"""

from steadfast.grid.run_comparison import RunComparison

COMPARISON = RunComparison(GRID)


rule compare_runs:
    """Compare refusals prompt by prompt, and count identical responses."""
    input:
        verdicts=COMPARISON.verdicts,
        responses=COMPARISON.responses,
    output:
        table=paths.table("run_comparison"),
        page=paths.RUN_COMPARISON,
    log:
        paths.log("tables/run_comparison"),
    benchmark:
        paths.benchmark("tables/run_comparison")
    conda:
        "../../envs/base.yaml"
    params:
        runs=COMPARISON.runs,
        inference=GRID.inference,
        code=digest("compare_runs.py"),
    message:
        "compare two runs"
    script:
        "../scripts/compare_runs.py"
