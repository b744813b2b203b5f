"""Draw the activations along every direction, and where the classes part."""

from typing import TYPE_CHECKING

from steadfast.activations import Activations
from steadfast.directions import load_direction
from steadfast.figures.direction_set import FoundDirection, direction_figures
from steadfast.figures.study import save_all
from steadfast.files import atomic_directory
from steadfast.job import run_job
from steadfast.tables.labels import Labels

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files = zip(snakemake.params.systems, snakemake.input.directions, snakemake.input.activations, strict=True)
    found = (
        FoundDirection(model, variant, load_direction(direction), Activations.load(activations))
        for (model, variant), direction, activations in files
    )
    figures = direction_figures(found, Labels(**snakemake.params.labels))
    with atomic_directory(snakemake.output[0]) as directory:
        save_all(figures, directory)
