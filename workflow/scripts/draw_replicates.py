"""Draw the refusal rates of groups of replicates."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.figures import replicates
from steadfast.figures.study import save_all
from steadfast.files import read_table
from steadfast.job import run_job
from steadfast.tables.labels import Labels

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
