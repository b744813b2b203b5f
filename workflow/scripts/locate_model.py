"""Get a model from the source of a plug-in, and point to it."""

import json
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.models.placing import place_model
from steadfast.models.sources import locate

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    entry = snakemake.params.settings
    use = {**snakemake.params.chat, **json.loads(snakemake.resources.trial)}
    place_model(locate(entry), snakemake.output[0], dequantize=entry["dequantize"], use=use)
