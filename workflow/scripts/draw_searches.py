"""Draw refusals against damage: the fronts of the searches, and the other attacks of the grid."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.report.figures.search import draw
from steadfast.report.figures.study import save_all

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    figure = draw(
        read_table(files.search),
        read_table(files.robustness),
        read_table(files.side_effects),
        params.judge,
        Labels(**params.labels),
        controls=params.controls,
        left_out=params.left_out,
    )
    save_all({"search": figure}, Path(snakemake.output[0]).parent)
