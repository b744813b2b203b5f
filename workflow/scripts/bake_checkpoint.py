"""Bake a variant's edit into a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.attacks.baking import bake
from steadfast.attacks.directions import load_direction
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    bake(
        snakemake.input.model,
        snakemake.input.direction,
        # an edit that the workflow has chosen stands beside the direction that it belongs to
        snakemake.params.settings or load_direction(snakemake.input.direction).details["edit"],
        Path(snakemake.output[0]),
        match_change=next(iter(snakemake.input.get("matched", [])), None),
        threads=snakemake.threads,
    )
