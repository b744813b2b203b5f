"""Draw the figures about the judges."""

from typing import TYPE_CHECKING

from steadfast.figures.judges import judge_figures
from steadfast.figures.study import save_all
from steadfast.files import atomic_directory, read_table
from steadfast.job import run_job
from steadfast.tables.labels import Labels

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
