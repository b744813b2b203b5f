"""Generate the responses of several variants of one model to the prompts of a split."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.generation.variants import VariantResponses, write_variant_responses
from steadfast.grid import paths
from steadfast.prompts.splits import prompts_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    params, chat = snakemake.params, dict(snakemake.params.chat)
    outputs = paths.responses(params.split).by("variant", snakemake.output)
    write_variant_responses(
        [VariantResponses(output=outputs[fields["variant"]], **fields) for fields in params.variants],
        prompts_of(read_table(snakemake.input.prompts), params.split),
        engine=params.engine,
        cache=params.cache,
        machine=json.loads(snakemake.resources.machine),
        settings=params.sampling,
        thinking_markers=params.thinking_markers,
        **chat,
    )
