"""Export an edited model: as a LoRA adapter in PEFT's format, or as a whole checkpoint."""

from typing import TYPE_CHECKING

from steadfast.attacks.baking.edit_export import export_edit
from steadfast.core.files import read_json
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    export_edit(
        files.model,
        files.direction,
        params.settings or read_json(files.edit[0]),
        snakemake.output[0],
        paths.EXPORTED_EDIT.keys(snakemake.output[0])["form"],
        base_name=params.base_name,
        match_change=next(iter(files.matched), None),
        threads=snakemake.threads,
    )
