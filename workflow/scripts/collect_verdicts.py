"""Gather all judgments into one table, and count them."""

from typing import TYPE_CHECKING

from steadfast.files import read_table, write_table
from steadfast.job import run_job
from steadfast.tables.counts import count_verdicts
from steadfast.tables.verdicts import collect_verdicts

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    cells = [(*cell, path) for cell, path in zip(snakemake.params.cells, snakemake.input.judgments, strict=True)]
    verdicts = collect_verdicts(cells, read_table(snakemake.input.prompts))
    write_table(snakemake.output.verdicts, verdicts)
    write_table(snakemake.output.counts, count_verdicts(verdicts))
