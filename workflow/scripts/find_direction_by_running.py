"""Find the direction of a variant by running the model."""

import json
from typing import TYPE_CHECKING

from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.measurements import ModelMeasurements
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.direction_search.search import find_direction
from steadfast.core.files import read_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    prompts = read_table(snakemake.input.prompts)
    access = ModelAccess(
        snakemake.input.model,
        prompts[prompts["split"] == "calibration"],
        **json.loads(snakemake.resources.machine),
        **snakemake.params.chat,
    )
    direction = find_direction(
        snakemake.params.settings,
        Activations.load(snakemake.input.activations),
        seed=snakemake.params.seed,
        judgments=next(map(read_table, snakemake.input.get("judgments", [])), None),
        model=ModelMeasurements(access),
    )
    direction.save(snakemake.output.direction)
