"""Train one safety-tuning adapter on the base model."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.training.safety_tuning.jobs import train

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    train(
        snakemake.input.base,
        snakemake.params.folder,
        snakemake.input.apart_from,
        snakemake.input.answers,
        Path(snakemake.output[0]),
        recipe=snakemake.params.recipe,
        seed=int(snakemake.params.seed),
        dtype=snakemake.params.dtype,
    )
