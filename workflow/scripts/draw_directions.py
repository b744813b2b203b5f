"""Draw the activations along every direction, and the class separation by depth."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.about import About
from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import load_direction
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.report.figures.drawing import write_figures
from steadfast.report.figures.kinds.directions import DIRECTIONS
from steadfast.report.figures.look import Look
from steadfast.report.figures.projections import FoundDirection

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    activations = paths.ACTIVATIONS.by("model", snakemake.input.activations)
    directions = {paths.DIRECTION.pair(path): path for path in snakemake.input.directions}
    found = (
        FoundDirection(pair.model, pair.variant, load_direction(path), Activations.load(activations[pair.model]))
        for pair, path in directions.items()
    )
    look = Look.read(snakemake.params.look)
    about = About.read(snakemake.params.about)
    write_figures(snakemake.params.figures, {DIRECTIONS: found}, about, look, snakemake.output)
