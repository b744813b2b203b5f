"""Compare every variant with the original model, per judge."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.edits import mark_unverified
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    keys = snakemake.input.get("key", [])
    robustness = robustness_table(
        read_table(snakemake.input.verdicts),
        controls=snakemake.params.controls,
        margin=snakemake.params.margin,
        label_weights=read_table(keys[0]) if keys else None,
        inference=Inference(**snakemake.params.inference),
    )
    write_table(snakemake.output[0], mark_unverified(robustness, read_table(snakemake.input.edits)))
