"""Write the blind annotation page and its key."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.judges.annotation.page import write_annotation_page

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    write_annotation_page(
        prompts=snakemake.input.prompts,
        responses=snakemake.input.responses,
        judgments=snakemake.input.get("judgments", []),
        definition=snakemake.input.definition,
        resources=Path(snakemake.input.assets[0]).parents[1],
        html=snakemake.output.html,
        key=snakemake.output.key,
        **snakemake.params.settings,
    )
