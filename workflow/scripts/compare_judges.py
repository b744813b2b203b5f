"""Compare every pair of judges."""

from typing import TYPE_CHECKING

from steadfast.files import read_table, write_table
from steadfast.job import run_job
from steadfast.tables.agreement import agreement_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    agreement = agreement_table(
        read_table(snakemake.input.verdicts),
        controls=snakemake.params.controls,
        confidence=snakemake.params.statistics["confidence"],
        resamples=snakemake.params.statistics["bootstrap"],
        seed=snakemake.params.seed,
    )
    write_table(snakemake.output[0], agreement)
