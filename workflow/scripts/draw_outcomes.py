"""Draw the outcomes of harmful prompts."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.report.figures.outcomes import draw
from steadfast.report.figures.study import save_all

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    known = dict(snakemake.params.labels)
    labels = Labels(**{**known, "judges": {**known["judges"], **snakemake.params.rubrics}})
    figure = draw(read_table(snakemake.input[0]), labels)
    save_all({"outcomes": figure}, Path(snakemake.output[0]).parent)
