"""List which attack was chosen for each model."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.selected_attacks import strongest_table
from steadfast.attacks.directions import load_direction
from steadfast.core.files import write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    systems = zip(snakemake.params.systems, snakemake.input.directions, strict=True)
    table = strongest_table((model, variant, load_direction(path)) for (model, variant), path in systems)
    write_table(snakemake.output[0], table)
