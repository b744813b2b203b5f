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
    judgments = paths.judgments("calibration").by("judge", snakemake.input.judgments)
    save_directions(
        snakemake.params.searches,
        paths.DIRECTION.by("variant", snakemake.output.direction),
        Activations.load(snakemake.input.activations),
        seed=snakemake.params.seed,
        judgments={judge: read_table(path) for judge, path in judgments.items()},
    )
