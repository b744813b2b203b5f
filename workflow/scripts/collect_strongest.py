"""List which attack was chosen for each model."""

from typing import TYPE_CHECKING

from steadfast.directions import load_direction
from steadfast.files import write_table
from steadfast.job import run_job
from steadfast.tables.strongest import strongest_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    systems = zip(snakemake.params.systems, snakemake.input.directions, strict=True)
    table = strongest_table((model, variant, load_direction(path)) for (model, variant), path in systems)
    write_table(snakemake.output[0], table)
