"""Measure the refusal margin of one model."""

import json
from typing import TYPE_CHECKING

from steadfast.attacks.direction_search.refusal_margin import refusal_margins
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    margins = refusal_margins(
        snakemake.input.model,
        read_table(snakemake.input.prompts),
        **json.loads(snakemake.resources.machine),
        **snakemake.params.chat,
    )
    write_table(snakemake.output[0], margins)
