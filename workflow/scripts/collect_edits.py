"""Gather what the edits and hooks did."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.analysis.tables.edits import ChangedSystem, edit_table
from steadfast.core.files import write_table
from steadfast.core.job import run_job
from steadfast.models.edited import MANIFEST

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    manifests = [Path(checkpoint) / MANIFEST for checkpoint in snakemake.input.get("checkpoints", [])]
    systems = snakemake.params.systems
    # edited systems come first; the others have no checkpoint of their own
    hooked = [None] * (len(systems) - len(manifests))
    files = (snakemake.input.get(key, []) for key in ("directions", "scores"))
    changed = [
        ChangedSystem(model, variant, *paths)
        for (model, variant), *paths in zip(systems, *files, [*manifests, *hooked], strict=True)
    ]
    write_table(snakemake.output[0], edit_table(changed))
