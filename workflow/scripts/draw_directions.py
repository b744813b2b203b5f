"""Draw the activations along every direction, and where the classes part."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.display_names import Labels
from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import load_direction
from steadfast.core.files import atomic_directory
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.report.figures.direction_set import FoundDirection, direction_figures
from steadfast.report.figures.study import save_all

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    activations = {paths.ACTIVATIONS.keys(path)["model"]: path for path in snakemake.input.activations}
    directions = {paths.DIRECTION.pair(path): path for path in snakemake.input.directions}
    found = (
        FoundDirection(pair.model, pair.variant, load_direction(path), Activations.load(activations[pair.model]))
        for pair, path in directions.items()
    )
    figures = direction_figures(found, Labels(**snakemake.params.labels))
    with atomic_directory(snakemake.output[0]) as directory:
        save_all(figures, directory)
