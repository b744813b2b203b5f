"""Let one system answer the evaluation prompts."""

from typing import TYPE_CHECKING

from steadfast.files import read_table, write_table
from steadfast.job import run_job
from steadfast.responses import generate_responses

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    prompts = read_table(snakemake.input.prompts)
    responses = generate_responses(
        snakemake.input.checkpoint,
        prompts[prompts["split"] == "evaluation"],
        settings={**snakemake.params.sampling, "seed": snakemake.params.seed},
        device=snakemake.resources.device,
        batch_tokens=snakemake.resources.batch_tokens,
        **snakemake.params.chat,
    )
    write_table(snakemake.output[0], responses)
