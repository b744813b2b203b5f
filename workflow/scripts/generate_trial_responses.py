"""Let one attack, or the original, answer harmful calibration prompts on trial."""

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
    prompts = prompts[(prompts["split"] == "calibration") & (prompts["label"] == "harmful")]
    in_vain = was_edited_in_vain(snakemake.input.checkpoint)
    write_responses(
        snakemake.output[0],
        snakemake.input.checkpoint,
        prompts.head(0 if in_vain else snakemake.params.first),
        settings=snakemake.params.sampling,
        engine=snakemake.params.engine,
        thinking_markers=snakemake.params.thinking_markers,
        **json.loads(snakemake.resources.machine),
        **snakemake.params.chat,
    )
