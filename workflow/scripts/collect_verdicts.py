"""Collect all judgments in one table, and count them."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.collect import collect_verdicts
from steadfast.analysis.tables.counts import count_verdicts
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    found = {path: paths.judgments().keys(path) for path in snakemake.input.judgments}
    cells = [(cell["judge"], cell["model"], cell["variant"], path) for path, cell in found.items()]
    verdicts = collect_verdicts(cells, read_table(snakemake.input.prompts))
    write_table(snakemake.output.verdicts, verdicts)
    write_table(snakemake.output.counts, count_verdicts(verdicts))
