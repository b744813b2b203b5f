"""Measure inter-annotator agreement."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.annotators import annotator_agreement
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    inference = Inference(**snakemake.params.inference)
    agreement = annotator_agreement(
        read_table(snakemake.input.verdicts), snakemake.params.annotators, inference=inference
    )
    write_table(snakemake.output[0], agreement)
