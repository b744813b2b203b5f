"""Measure side effects that need the weights, for some model–variant pairs."""

import json
from typing import TYPE_CHECKING

from steadfast.analysis.side_effects.measuring import MeasuredVariant, measure_variants
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    measured = measure_variants(
        [MeasuredVariant(**pair) for pair in snakemake.params.pairs],
        read_table(snakemake.input.prompts),
        snakemake.params.measures,
        files=snakemake.input.get("files", []),
        store=paths.MEASUREMENTS,
        **json.loads(snakemake.resources.machine),
    )
    # each is written as soon as it is there: whatever stops the job leaves what was measured
    outputs = {tuple(paths.SCORES.keys(path).values()): path for path in snakemake.output.scores}
    for pair, scores in measured:
        write_table(outputs[pair.model, pair.variant], scores)
