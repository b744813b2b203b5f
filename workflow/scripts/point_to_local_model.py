"""Check a local checkpoint and point to it."""

import json
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.models.local import point_to
from steadfast.models.placing import place_model

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    entry = snakemake.params.settings
    pointer = point_to(entry["path"], trust_remote_code=entry["trust_remote_code"])
    use = {**snakemake.params.chat, **json.loads(snakemake.resources.trial)}
    place_model(pointer, snakemake.output[0], dequantize=entry["dequantize"], use=use)
