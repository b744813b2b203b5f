"""Statistics: one table of all verdicts, and everything that is computed from it.

Produces results/tables/{verdicts.parquet,counts.csv,agreement.csv,robustness.csv,conclusions.csv,ranking.csv,...},
results/judge_report.md and results/summary.txt.
"""


rule verdicts:
    """Collect all judgments in one tidy table, and count them."""
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
    message:
        "collect the verdicts of all judges"
    script:
        "../scripts/collect_verdicts.py"


rule agreement:
    """Compare every pair of judges."""
    input:
        verdicts="results/tables/verdicts.parquet",
    output:
        report(
            "results/tables/agreement.csv",
            caption="../report/agreement.rst",
            category="Tables",
            labels={"table": "agreement"},
        ),
    log:
        "results/logs/tables/agreement.log",
    benchmark:
        "results/benchmarks/tables/agreement.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference(),
        controls=GRID.controls(),
        code=GRID.digest("compare_judges.py"),
    message:
        "compare every pair of judges"
    script:
        "../scripts/compare_judges.py"


rule edits:
    """Collect the gates of all edits, and the interventions without a valid direction."""
    input:
        checkpoints=GRID.checkpoints(GRID.edited_systems()),
        directions=GRID.direction_files(GRID.changed_systems()),
        scores=GRID.score_files(GRID.changed_systems()),
    output:
        "results/tables/edits.csv",
    log:
        "results/logs/tables/edits.log",
    benchmark:
        "results/benchmarks/tables/edits.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        systems=GRID.pairs(GRID.changed_systems()),
        code=GRID.digest("collect_edits.py"),
    message:
        "collect the gates of all edits"
    script:
        "../scripts/collect_edits.py"


rule robustness:
    """Compare every variant with the original model, per judge, raw and corrected by human labels."""
    input:
        verdicts="results/tables/verdicts.parquet",
        edits="results/tables/edits.csv",
        key=GRID.annotation_key(),
    output:
        report(
            "results/tables/robustness.csv",
            caption="../report/robustness.rst",
            category="Tables",
            labels={"table": "robustness"},
        ),
    log:
        "results/logs/tables/robustness.log",
    benchmark:
        "results/benchmarks/tables/robustness.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference(),
        margin=GRID.config["statistics"]["survival_margin"],
        controls=GRID.controls(),
        code=GRID.digest("measure_robustness.py"),
    message:
        "compare every variant with the original"
    script:
        "../scripts/measure_robustness.py"


rule conclusions:
    """Compute the judge sensitivity of conclusions and of the ranking of models."""
    input:
        robustness="results/tables/robustness.csv",
        verdicts="results/tables/verdicts.parquet",
    output:
        conclusions=report(
            "results/tables/conclusions.csv",
            caption="../report/conclusions.rst",
            category="Tables",
            labels={"table": "conclusions"},
        ),
        ranking="results/tables/ranking.csv",
    log:
        "results/logs/tables/conclusions.log",
    benchmark:
        "results/benchmarks/tables/conclusions.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference(),
        reference=GRID.machine_reference,
        controls=GRID.controls(),
        code=GRID.digest("compare_conclusions.py"),
    message:
        "compute the judge sensitivity of conclusions"
    script:
        "../scripts/compare_conclusions.py"


rule fidelity:
    """Report where each judge differs from the reference: human labels if any, otherwise the configured judge."""
    input:
        verdicts="results/tables/verdicts.parquet",
        responses=GRID.responses(),
    output:
        confusion="results/tables/confusion.csv",
        disputed="results/tables/disputed.csv",
        by_length="results/tables/disputes_by_length.csv",
        bias="results/tables/bias.csv",
        report="results/judge_report.md",
    log:
        "results/logs/tables/fidelity.log",
    benchmark:
        "results/benchmarks/tables/fidelity.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        systems=GRID.system_names(),
        inference=GRID.inference(),
        reference=GRID.reference,
        labels=GRID.all_labels(),
        code=GRID.digest("report_fidelity.py"),
    message:
        "compare the judges with the reference"
    script:
        "../scripts/report_fidelity.py"


rule annotators:
    """Compute inter-annotator agreement."""
    input:
        verdicts="results/tables/verdicts.parquet",
    output:
        "results/tables/annotators.csv",
    log:
        "results/logs/tables/annotators.log",
    benchmark:
        "results/benchmarks/tables/annotators.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        annotators=GRID.human_judges[1:],
        inference=GRID.inference(),
        code=GRID.digest("compare_annotators.py"),
    message:
        "compute inter-annotator agreement"
    script:
        "../scripts/compare_annotators.py"


rule summary:
    """Write the short table that is shown at the end of a run."""
    input:
        counts="results/tables/counts.csv",
        assessment="results/tables/assessment.csv",
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
        baselines=GRID.baselines,
        swept=GRID.swept_variants(),
        code=GRID.digest("summarize.py"),
    message:
        "write the summary"
    script:
        "../scripts/summarize.py"
