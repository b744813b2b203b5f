"""Compute refusal rates and side effects by the scale of the attacks."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.degradation import Criteria
from steadfast.analysis.tables.scales import scale_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

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
    write_table(snakemake.output[0], table)
