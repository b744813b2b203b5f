"""Write the short table that ends a run."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.files import read_table, write_text
from steadfast.job import run_job
from steadfast.summary import assessment_lines, summary_table
from steadfast.tables.labels import Labels

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    labels = Labels(**snakemake.params.labels)
    counts = read_table(snakemake.input.counts)
    left_out = counts["judge"].isin(snakemake.params.baselines) | counts["variant"].isin(snakemake.params.swept)
    table = summary_table(counts[~left_out], labels, controls=snakemake.params.controls)
    words = assessment_lines(read_table(snakemake.input.assessment), labels)
    figures = Path(snakemake.input.figures[0]).parent
    write_text(snakemake.output[0], "\n".join([table, "", *words, "", f"Figures: {figures}/", ""]))
