"""Collect, clean and split the prompts."""

from typing import TYPE_CHECKING

from steadfast.core.files import write_table
from steadfast.core.job import run_job
from steadfast.prompts.summary import summary_text
from steadfast.prompts.table import build_prompt_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    settings = dict(snakemake.params.settings)
    by_label = {label: settings.pop(label) for label in ("harmful", "harmless")}
    tables = build_prompt_table(by_label, seed=snakemake.params.seed, **settings)
    print(summary_text(tables.summary, tables.warnings))
    write_table(snakemake.output.summary, tables.summary)
    write_table(snakemake.output.prompts, tables.prompts)
