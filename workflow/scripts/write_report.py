"""Write the report: the whole run on one page."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.report.page import write_report

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    write_report(
        html=snakemake.output[0],
        resources=Path(snakemake.input.assets[0]).parents[1],
        figures=snakemake.input.figures,
        verdicts=snakemake.input.verdicts,
        prompts=snakemake.input.prompts,
        responses=snakemake.input.responses,
        tables=snakemake.input.tables,
        artifacts=snakemake.params.artifacts,
        labels=snakemake.params.labels,
        inference=snakemake.params.inference,
        files=snakemake.params.files,
        **snakemake.params.settings,
    )
