"""Let one system answer the prompts of a split."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.generation.responses import write_responses
from steadfast.models.edited import was_edited_in_vain

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    prompts = read_table(snakemake.input.prompts)
    prompts = prompts[prompts["split"] == snakemake.params.split]
    if was_edited_in_vain(snakemake.input.checkpoint):
        prompts = prompts.iloc[:0]
    write_responses(
        snakemake.output[0],
        snakemake.input.checkpoint,
        prompts,
        settings=snakemake.params.sampling,
        decoding=snakemake.params.get("decoding"),
        engine=snakemake.params.engine,
        thinking_markers=snakemake.params.thinking_markers,
        **json.loads(snakemake.resources.machine),
        **snakemake.params.chat,
    )
