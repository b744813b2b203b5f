"""Report: the whole run on one self-contained page.

Produces results/report.html.
"""


rule report:
    """Write headline, figures, tables, responses and provenance to one self-contained page."""
    input:
        verdicts="results/tables/verdicts.parquet",
        prompts="results/prompts/prompts.parquet",
        responses=GRID.responses(),
        tables=REPORT_TABLES,
        figures=[*PRINTED_FIGURES, "results/figures/judges"],
        assets=REPORT_ASSETS,
    output:
        report(
            "results/report.html",
            caption="../report/report.rst",
            category="Report",
            labels={"page": "report"},
        ),
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.all_labels(),
        inference=GRID.inference(),
        settings=GRID.report_settings(),
        artifacts=GRID.report_artifacts(),
        code=GRID.digest("write_report.py"),
    message:
        "write the report"
    script:
        "../scripts/write_report.py"
