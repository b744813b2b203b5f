"""Draw refusals lost against damage."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.report.figures.side_effects import draw
from steadfast.report.figures.study import save_all

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
