"""Draw refusals lost against damage."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.figures.side_effects import draw
from steadfast.figures.study import save_all
from steadfast.files import read_table
from steadfast.job import run_job
from steadfast.tables.labels import Labels

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    figure = draw(
        read_table(snakemake.input.assessment),
        read_table(snakemake.input.side_effects),
        Labels(**snakemake.params.labels),
        controls=snakemake.params.controls,
    )
    save_all({"side_effects": figure}, Path(snakemake.output[0]).parent)
