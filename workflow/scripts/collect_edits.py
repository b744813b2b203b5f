"""Gather what the edits did to the weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.files import write_table
from steadfast.job import run_job
from steadfast.tables.edits import edit_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    checkpoints = snakemake.input.get("checkpoints", [])
    systems = zip(snakemake.params.systems, checkpoints, strict=True)
    manifests = [(model, variant, Path(path) / "edit_manifest.json") for (model, variant), path in systems]
    write_table(snakemake.output[0], edit_table(manifests))
