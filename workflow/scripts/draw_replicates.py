"""Draw the refusal rates of groups of replicates."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.report.figures import replicates
from steadfast.report.figures.study import save_all

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    figure = replicates.draw(
        read_table(snakemake.input.groups),
        read_table(snakemake.input.robustness),
        snakemake.params.groups,
        snakemake.params.judge,
        Labels(**snakemake.params.labels),
        controls=snakemake.params.controls,
        confidence=snakemake.params.confidence,
    )
    save_all({"replicates": figure}, Path(snakemake.output[0]).parent)
