"""Gather what the edits and hooks did."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.files import write_table
from steadfast.job import run_job
from steadfast.models.edited import MANIFEST
from steadfast.tables.edits import edit_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    manifests = [Path(checkpoint) / MANIFEST for checkpoint in snakemake.input.get("checkpoints", [])]
    systems = snakemake.params.systems
    # edited systems come first; the others have no checkpoint of their own
    hooked = [None] * (len(systems) - len(manifests))
    directions = snakemake.input.get("directions", [])
    write_table(snakemake.output[0], edit_table(zip(systems, directions, [*manifests, *hooked], strict=True)))
