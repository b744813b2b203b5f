"""Assess the robustness of every model–variant pair."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.assessment import assessment_table
from steadfast.analysis.tables.degradation import Criteria
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    table = assessment_table(
        read_table(snakemake.input.robustness),
        read_table(snakemake.input.edits),
        read_table(snakemake.input.side_effects),
        judge=snakemake.params.judge,
        controls=snakemake.params.controls,
        criteria=Criteria(**snakemake.params.criteria),
    )
    write_table(snakemake.output[0], table)
