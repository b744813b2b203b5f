"""Find the direction that a variant's edit removes."""

from typing import TYPE_CHECKING

from steadfast.activations import Activations
from steadfast.files import write_table
from steadfast.job import run_job
from steadfast.registry import load

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    settings = dict(snakemake.params.settings)
    method = load("steadfast.directions", settings.pop("method")).build(**settings)
    direction = method.find(Activations.load(snakemake.input.activations), seed=snakemake.params.seed)
    write_table(snakemake.output.selection, direction.selection)
    direction.save(snakemake.output.direction)
