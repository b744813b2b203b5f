"""Measure the agreement and the reliability of the members of every ensemble."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.ensemble_reliability import reliability_tables
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    params, verdicts = snakemake.params, read_table(snakemake.input.verdicts)
    inference = Inference(**params.inference)
    whole, members = reliability_tables(verdicts, params.ensembles, controls=params.controls, inference=inference)
    write_table(snakemake.output.ensembles, whole)
    write_table(snakemake.output.members, members)
