"""Import the responses of one model–variant pair, and match them to the prompts."""

from typing import TYPE_CHECKING

from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.generation.imports.imported import read_variant
from steadfast.generation.imports.matching import match_responses
from steadfast.generation.thinking import configured_formats
from steadfast.prompts.splits import prompts_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    params, variant = snakemake.params, snakemake.wildcards.variant
    found = match_responses(
        read_variant(params.entry, variant),
        prompts_of(read_table(snakemake.input.prompts), "evaluation"),
        variant,
        formats=configured_formats(params.thinking_markers),
    )
    write_table(snakemake.output[0], found.table)
    for note in found.notes:
        print(note)
