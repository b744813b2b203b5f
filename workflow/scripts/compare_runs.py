"""Compare the refusals and responses of two runs."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.core.files import write_table, write_text
from steadfast.core.job import run_job
from steadfast.report.run_comparison import compare_results

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    table, page = compare_results(snakemake.params.runs, Inference(**snakemake.params.inference))
    write_table(snakemake.output.table, table)
    write_text(snakemake.output.page, page)
