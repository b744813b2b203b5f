"""Compare every pair of judges."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.agreement import agreement_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    params, verdicts = snakemake.params, read_table(snakemake.input.verdicts)
    inference = Inference(**params.inference)
    table = agreement_table(verdicts, controls=params.controls, parts=params.parts, inference=inference)
    write_table(snakemake.output[0], table)
