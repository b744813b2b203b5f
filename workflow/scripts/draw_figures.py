"""Draw all figures that are made from tables."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.about import About
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.report.figures.drawing import write_figures
from steadfast.report.figures.look import Look

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    write_figures(
        snakemake.params.figures,
        {Path(path).stem: read_table(path) for path in snakemake.input},
        About.read(snakemake.params.about),
        Look.read(snakemake.params.look),
        snakemake.output,
    )
