"""List the best attack of each model."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.selected_attacks import best_attack_table
from steadfast.attacks.directions import load_direction
from steadfast.core.files import write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    directions = {paths.DIRECTION.pair(path): load_direction(path) for path in snakemake.input.directions}
    table = best_attack_table((pair.model, pair.variant, direction) for pair, direction in directions.items())
    write_table(snakemake.output[0], table)
