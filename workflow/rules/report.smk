"""Report: the whole run on one self-contained page.

Produces results/report.html.
"""

from steadfast.report.assembly import SOURCE


rule report:
    """Write headline, figures, tables, responses and provenance to one self-contained page."""
    input:
        verdicts=paths.VERDICTS,
        prompts=paths.PROMPTS,
        responses=paths.responses().of(judged_pairs(GRID)),
        tables=RESULTS.tables,
        figures=RESULTS.figures,
        assets=expand("resources/{file}", file=SOURCE.files),
    output:
        report(
            paths.REPORT,
            caption="../report/report.rst",
            category="Report",
            labels={"page": "report"},
        ),
    log:
        paths.log("report"),
    benchmark:
        paths.benchmark("report")
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.labels,
        inference=GRID.inference,
        settings=RESULTS.settings,
        files=list(map(os.path.relpath, workflow.configfiles)),
        artifacts=RESULTS.artifacts,
        code=digest("write_report.py"),
    message:
        "write the report"
    script:
        "../scripts/write_report.py"
