"""Merge a LoRA adapter into the model that it was trained on."""

import json
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.models.adapters.placing import place_adapter

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    place_adapter(
        snakemake.params.settings,
        snakemake.input.base,
        snakemake.output[0],
        use={**snakemake.params.chat, **json.loads(snakemake.resources.trial)},
        threads=snakemake.threads,
    )
