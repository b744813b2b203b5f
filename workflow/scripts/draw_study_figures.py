"""Draw the study's figures."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.agreement import square_matrix
from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.report.figures.study import save_all, study_figures

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    counts = read_table(snakemake.input.counts)
    figures = study_figures(
        counts[~counts["variant"].isin(snakemake.params.swept)],
        square_matrix(read_table(snakemake.input.agreement)),
        Labels(**snakemake.params.labels),
        judges=[snakemake.params.judge],
        controls=snakemake.params.controls,
    )
    save_all(figures, Path(snakemake.output[0]).parent)
