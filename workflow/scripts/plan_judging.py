"""Estimate requests, tokens and cost of judging."""

from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.judges.cost_estimate import cost_table, work_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake) as log:
    table = cost_table(snakemake.params.judges, work_of(**snakemake.params.work))
    log(table.to_string(index=False, na_rep="?") if len(table) else "No judge of this grid sends requests.")
