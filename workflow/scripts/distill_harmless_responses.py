"""Generate the untuned base's responses to the harmless training prompts."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.training.safety_tuning.jobs import distill

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    distill(
        snakemake.input.base,
        snakemake.params.folder,
        snakemake.input.apart_from,
        snakemake.input.phrases,
        Path(snakemake.output[0]),
        snakemake.params.dtype,
    )
