"""Find the directions of one variant or several by running the model."""

import json
from typing import TYPE_CHECKING

from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.measurements import ModelMeasurements
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.direction_search.search import save_directions
from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.prompts.splits import CALIBRATION, prompts_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    judgments = paths.judgments("calibration").by("judge", snakemake.input.judgments)
    access = ModelAccess(
        snakemake.input.model,
        prompts_of(read_table(snakemake.input.prompts), CALIBRATION),
        **json.loads(snakemake.resources.machine),
        **snakemake.params.chat,
    )
    save_directions(
        snakemake.params.searches,
        paths.DIRECTION.by("variant", snakemake.output.direction),
        Activations.load(snakemake.input.activations),
        seed=snakemake.params.seed,
        judgments={judge: read_table(path) for judge, path in judgments.items()},
        model=ModelMeasurements(access),
    )
