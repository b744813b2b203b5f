"""Collect the gates of all edits and interventions."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.edits import EditedVariant, edit_table
from steadfast.core.files import write_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.models.edited import MANIFEST

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files = snakemake.input
    manifests = {paths.CHECKPOINT.pair(path): Path(path) / MANIFEST for path in files.get("checkpoints", [])}
    scores = {paths.SCORES.pair(path): path for path in files.get("scores", [])}
    directions = {paths.DIRECTION.pair(path): path for path in files.get("directions", [])}
    changed = [
        EditedVariant(pair.model, pair.variant, path, scores[pair], manifests.get(pair))
        for pair, path in directions.items()
    ]
    write_table(snakemake.output[0], edit_table(changed))
