"""Outcomes: harmful prompts by what became of them (refused, complied, neither), where a rubric judges compliance.

Produces results/tables/outcomes.csv, and where a rubric judges kinds of refusal
results/tables/{refusal_kinds,refusal_kind_agreement,refusal_kind_confusion}.csv.
"""

from steadfast.grid.judgments import judgment_files
from steadfast.grid.outcomes import compliance_rubrics, kind_rubrics


rule outcomes:
    """Count refused, complied and neither from the reference judge and the judges of compliance."""
    input:
        verdicts=paths.VERDICTS,
        compliance=judgment_files(GRID, compliance_rubrics(GRID)),
        responses=paths.responses().of(judged_pairs(GRID)),
    output:
        paths.table("outcomes"),
    log:
        paths.log("tables/outcomes"),
    benchmark:
        paths.benchmark("tables/outcomes")
    conda:
        "../../envs/base.yaml"
    params:
        judge=GRID.reference,
        confidence=GRID.inference["confidence"],
        code=digest("collect_outcomes.py"),
    message:
        "count the outcomes of harmful prompts"
    script:
        "../scripts/collect_outcomes.py"


rule refusal_kinds:
    """Count the kinds of refusals, and measure the agreement of the judges of kinds."""
    input:
        judgments=judgment_files(GRID, kind_rubrics(GRID)),
    output:
        kinds=paths.table("refusal_kinds"),
        agreement=paths.table("refusal_kind_agreement"),
        confusion=paths.table("refusal_kind_confusion"),
    log:
        paths.log("tables/refusal_kinds"),
    benchmark:
        paths.benchmark("tables/refusal_kinds")
    conda:
        "../../envs/base.yaml"
    params:
        inference=GRID.inference,
        controls=GRID.controls,
        code=digest("collect_refusal_kinds.py"),
    message:
        "count the kinds of refusals"
    script:
        "../scripts/collect_refusal_kinds.py"
