"""Bake a variant's edit into a checkpoint."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.attacks.baking import bake
from steadfast.core.files import read_json
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    bake(
        snakemake.input.model,
        snakemake.input.direction,
        snakemake.params.settings or read_json(snakemake.input.edit[0]),
        Path(snakemake.output[0]),
        match_change=next(iter(snakemake.input.get("matched", [])), None),
        threads=snakemake.threads,
    )
