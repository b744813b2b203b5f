"""Find the direction of a variant in the activations."""

from typing import TYPE_CHECKING

from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.search import find_direction
from steadfast.core.files import read_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    direction = find_direction(
        snakemake.params.settings,
        Activations.load(snakemake.input.activations),
        seed=snakemake.params.seed,
        judgments=next(map(read_table, snakemake.input.get("judgments", [])), None),
    )
    direction.save(snakemake.output.direction)
