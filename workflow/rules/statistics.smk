"""Statistics: one table of all verdicts, and everything that is computed from it.

Produces results/tables/{verdicts.parquet,counts.csv,agreement.csv,robustness.csv,conclusions.csv,ranking.csv,...},
results/judge_report.md and results/summary.txt.
"""

from steadfast.grid.ensembles import parts
from steadfast.grid.judgments import judgment_files
from steadfast.grid.outcomes import compliance_labels, outcome_table


rule verdicts:
    """Collect all judgments in one tidy table, and count them."""
    input:
        judgments=judgment_files(GRID),
        prompts=paths.PROMPTS,
    output:
        verdicts=paths.VERDICTS,
        counts=paths.table("counts"),
    log:
        paths.log("tables/verdicts"),
    benchmark:
        paths.benchmark("tables/verdicts")
    conda:
        "../../envs/base.yaml"
    params:
        code=digest("collect_verdicts.py"),
    message:
        "collect the verdicts of all judges"
    script:
        "../scripts/collect_verdicts.py"


rule agreement:
    """Compare every pair of judges."""
    input:
        verdicts=paths.VERDICTS,
    output:
        report(
            paths.table("agreement"),
            caption="../report/agreement.rst",
            category="Tables",
            labels={"table": "agreement"},
        ),
    log:
        paths.log("tables/agreement"),
    benchmark:
        paths.benchmark("tables/agreement")
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference,
        controls=GRID.controls,
        parts=parts(GRID),
        code=digest("compare_judges.py"),
    message:
        "compare every pair of judges"
    script:
        "../scripts/compare_judges.py"


rule edits:
    """Collect the gates of all edits, and the interventions without a valid direction."""
    input:
        checkpoints=GRID.checkpoints(GRID.edited_pairs),
        directions=paths.DIRECTION.of(GRID.changed_pairs),
        scores=paths.SCORES.of(GRID.changed_pairs),
    output:
        paths.table("edits"),
    log:
        paths.log("tables/edits"),
    benchmark:
        paths.benchmark("tables/edits")
    conda:
        "../../envs/base.yaml"
    params:
        code=digest("collect_edits.py"),
    message:
        "collect the gates of all edits"
    script:
        "../scripts/collect_edits.py"


rule robustness:
    """Compare every variant with the original model, per judge, raw and corrected by human labels."""
    input:
        verdicts=paths.VERDICTS,
        edits=paths.table("edits"),
        key=ANNOTATION.key,
    output:
        report(
            paths.table("robustness"),
            caption="../report/robustness.rst",
            category="Tables",
            labels={"table": "robustness"},
        ),
    log:
        paths.log("tables/robustness"),
    benchmark:
        paths.benchmark("tables/robustness")
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference,
        margin=GRID.config["statistics"]["survival_margin"],
        controls=GRID.controls,
        code=digest("measure_robustness.py"),
    message:
        "compare every variant with the original"
    script:
        "../scripts/measure_robustness.py"


rule conclusions:
    """Compute the judge sensitivity of conclusions and of the ranking of models."""
    input:
        robustness=paths.table("robustness"),
        verdicts=paths.VERDICTS,
    output:
        conclusions=report(
            paths.table("conclusions"),
            caption="../report/conclusions.rst",
            category="Tables",
            labels={"table": "conclusions"},
        ),
        ranking=paths.table("ranking"),
    log:
        paths.log("tables/conclusions"),
    benchmark:
        paths.benchmark("tables/conclusions")
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference,
        reference=GRID.reference,
        controls=GRID.controls,
        code=digest("compare_conclusions.py"),
    message:
        "compute the judge sensitivity of conclusions"
    script:
        "../scripts/compare_conclusions.py"


rule judge_validity:
    """Report where each judge differs from the reference: human labels if any, otherwise the configured judge."""
    input:
        verdicts=paths.VERDICTS,
        responses=paths.responses().of(judged_pairs(GRID)),
        prompts=paths.PROMPTS,
    output:
        confusion=paths.table("confusion"),
        disputed=paths.table("disputed"),
        by_length=paths.table("disputes_by_length"),
        bias=paths.table("bias"),
        report=paths.JUDGE_REPORT,
    log:
        paths.log("tables/judge_validity"),
    benchmark:
        paths.benchmark("tables/judge_validity")
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference,
        reference=GRID.validity_reference,
        controls=GRID.controls,
        baselines=GRID.baselines,
        parts=parts(GRID),
        labels=GRID.labels,
        code=digest("report_judge_validity.py"),
    message:
        "compare the judges with the reference"
    script:
        "../scripts/report_judge_validity.py"


rule annotators:
    """Compute inter-annotator agreement."""
    input:
        verdicts=paths.VERDICTS,
    output:
        paths.table("annotators"),
    log:
        paths.log("tables/annotators"),
    benchmark:
        paths.benchmark("tables/annotators")
    conda:
        "../../envs/base.yaml"
    params:
        annotators=GRID.human_judges[1:],
        inference=GRID.inference,
        code=digest("compare_annotators.py"),
    message:
        "compute inter-annotator agreement"
    script:
        "../scripts/compare_annotators.py"


rule summary:
    """Write the short table that is shown at the end of a run."""
    input:
        counts=paths.table("counts"),
        assessment=paths.table("assessment"),
        withstood=paths.table("withstood"),
        outcomes=outcome_table(GRID),
        figures=FIGURES.files,
    output:
        paths.SUMMARY,
    log:
        paths.log("summary"),
    benchmark:
        paths.benchmark("summary")
    conda:
        "../../envs/base.yaml"
    params:
        labels=GRID.labels,
        rubrics=compliance_labels(GRID),
        controls=GRID.controls,
        baselines=GRID.baselines,
        hooked=GRID.hooked,
        swept=GRID.swept,
        code=digest("summarize.py"),
    message:
        "write the summary"
    script:
        "../scripts/summarize.py"
