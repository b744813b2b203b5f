"""Convert a GGUF file to a checkpoint."""

import json
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.models.gguf.placing import place_gguf

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    use = {**snakemake.params.chat, **json.loads(snakemake.resources.trial)}
    place_gguf(snakemake.params.settings, snakemake.output[0], use)
