"""Compute the judge sensitivity of the conclusions and of the model ranking."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.conclusions import conclusion_table
from steadfast.analysis.tables.ranking import ranking_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    inference = Inference(**snakemake.params.inference)
    controls = snakemake.params.controls
    conclusions = conclusion_table(
        read_table(snakemake.input.robustness),
        snakemake.params.reference,
        controls=controls,
        confidence=inference.confidence,
    )
    write_table(snakemake.output.conclusions, conclusions)
    ranking = ranking_table(read_table(snakemake.input.verdicts), controls=controls, inference=inference)
    write_table(snakemake.output.ranking, ranking)
