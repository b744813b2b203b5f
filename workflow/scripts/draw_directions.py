"""Draw the activations along every direction, and where the classes part."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import load_direction
from steadfast.core.files import atomic_directory
from steadfast.core.job import run_job
from steadfast.report.figures.direction_set import FoundDirection, direction_figures
from steadfast.report.figures.study import save_all

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
