"""Write the summary that is shown at the end of a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table, write_text
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.report.compliance import outcome_lines
from steadfast.report.text_summary import assessment_lines, finding_lines, summary_table, withstood_lines

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    labels, rubrics = Labels(**snakemake.params.labels), snakemake.params.rubrics
    counts = read_table(snakemake.input.counts)
    left_out = counts["judge"].isin(snakemake.params.baselines) | counts["variant"].isin(snakemake.params.swept)
    table = summary_table(counts[~left_out], labels, controls=snakemake.params.controls)
    assessment, controls = read_table(snakemake.input.assessment), snakemake.params.controls
    outcomes = [read_table(path) for path in paths.listed(snakemake.input.outcomes)]
    own_outcomes = [table_of[~table_of["variant"].isin(snakemake.params.swept)] for table_of in outcomes]
    facts = {"controls": controls, "hooked": snakemake.params.hooked, "rubrics": rubrics}
    found = finding_lines(assessment, labels, outcomes=outcomes[0] if outcomes else None, **facts)
    words = assessment_lines(assessment, labels)
    best = withstood_lines(read_table(snakemake.input.withstood), labels)
    words += [line for table_of in own_outcomes for line in ["", *outcome_lines(table_of, labels, rubrics)]]
    drawn = [f"Figures: {Path(path).parent}/" for path in snakemake.input.figures[:1]]
    write_text(snakemake.output[0], "\n".join([*found, "", table, "", *words, "", *best, "", *drawn, ""]))
