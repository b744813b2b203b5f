"""Record the activations of the calibration prompts."""

import json
from typing import TYPE_CHECKING

from steadfast.attacks.activations import extract_activations
from steadfast.core.files import read_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    prompts = read_table(snakemake.input.prompts)
    activations = extract_activations(
        snakemake.input.model,
        prompts[prompts["split"] == "calibration"],
        positions=snakemake.params.positions,
        **json.loads(snakemake.resources.machine),
        **snakemake.params.chat,
    )
    activations.save(snakemake.output[0])
