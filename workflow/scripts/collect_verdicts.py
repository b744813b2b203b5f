"""Gather all judgments into one table, and count them."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.collect import collect_verdicts
from steadfast.analysis.tables.counts import count_verdicts
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    cells = [(*cell, path) for cell, path in zip(snakemake.params.cells, snakemake.input.judgments, strict=True)]
    verdicts = collect_verdicts(cells, read_table(snakemake.input.prompts))
    write_table(snakemake.output.verdicts, verdicts)
    write_table(snakemake.output.counts, count_verdicts(verdicts))
