"""Train one tiny model on the synthetic grammar."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.training.organisms.training import train_organism

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    train_organism(
        snakemake.params.settings["recipe"],
        Path(snakemake.output[0]),
        seed=snakemake.params.settings["seed"],
        world_path=snakemake.input.world,
        recipes_path=snakemake.input.recipes,
        judge_prompt_path=snakemake.input.judge_prompt,
        settings=snakemake.params.training,
    )
