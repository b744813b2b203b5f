"""Write a GGUF file out as a checkpoint."""

from typing import TYPE_CHECKING

from steadfast.gguf.placing import place_gguf
from steadfast.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    place_gguf(snakemake.params.settings, snakemake.output[0])
