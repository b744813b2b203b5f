"""Draw the study's figures."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.figures.study import save_all, study_figures
from steadfast.files import read_table
from steadfast.job import run_job
from steadfast.tables.agreement import square_matrix
from steadfast.tables.labels import Labels

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
