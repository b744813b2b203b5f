"""Set refusal rates against the scale of the attacks, and draw them."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.degradation import Criteria
from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.scales import scale_table
from steadfast.core.files import atomic_directory, read_table, write_table
from steadfast.core.job import run_job
from steadfast.report.figures.attack_scales import scale_figures
from steadfast.report.figures.study import save_all

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    table = scale_table(
        read_table(snakemake.input.verdicts),
        read_table(snakemake.input.robustness),
        read_table(snakemake.input.edits),
        read_table(snakemake.input.side_effects),
        snakemake.params.attacks,
        judge=snakemake.params.judge,
        inference=Inference(**snakemake.params.inference),
        criteria=Criteria(**snakemake.params.criteria),
    )
    write_table(snakemake.output.table, table)
    with atomic_directory(snakemake.output.figures) as directory:
        save_all(scale_figures(table, Labels(**snakemake.params.labels)), directory)
