"""Find the directions of one variant or several in the activations."""

from typing import TYPE_CHECKING

from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.search import save_directions
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    verdicts = paths.judgments("calibration")
    save_directions(
        snakemake.params.searches,
        {paths.DIRECTION.pair(path).variant: path for path in snakemake.output.direction},
        Activations.load(snakemake.input.activations),
        seed=snakemake.params.seed,
        judgments={verdicts.keys(path)["judge"]: read_table(path) for path in snakemake.input.judgments},
    )
