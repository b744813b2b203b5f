"""Draw the figures about the judges."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import atomic_directory, read_table
from steadfast.core.job import run_job
from steadfast.report.figures.judges import judge_figures
from steadfast.report.figures.study import save_all

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    figures = judge_figures(
        read_table(snakemake.input.agreement),
        read_table(snakemake.input.conclusions),
        read_table(snakemake.input.ranking),
        read_table(snakemake.input.bias),
        read_table(snakemake.input.robustness),
        Labels(**snakemake.params.labels),
        reference=snakemake.params.reference,
        judge=snakemake.params.judge,
        controls=snakemake.params.controls,
        margin=snakemake.params.margin,
    )
    with atomic_directory(snakemake.output[0]) as directory:
        save_all(figures, directory)
