"""Aggregate replicates of a model over their seeds."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.groups import group_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    inference = Inference(**snakemake.params.inference)
    groups = group_table(read_table(snakemake.input.verdicts), snakemake.params.groups, inference=inference)
    write_table(snakemake.output[0], groups)
