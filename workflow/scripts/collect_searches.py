"""List the finalists of every search, and evaluate the selected ones on the evaluation prompts."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.searched_attacks import search_table
from steadfast.attacks.directions import load_direction
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    found = {paths.DIRECTION.pair(path): load_direction(path) for path in snakemake.input.directions}
    table = search_table(
        ((pair.model, pair.variant, direction) for pair, direction in found.items()),
        read_table(snakemake.input.robustness),
        read_table(snakemake.input.side_effects),
        snakemake.params.judge,
        Inference(**snakemake.params.inference),
    )
    write_table(snakemake.output[0], table)
