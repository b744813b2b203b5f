"""Edit the weights of a model: as a checkpoint, or as factors over the original's weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.attacks.baking import write_edited
from steadfast.core.files import read_json
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    write_edited(
        snakemake.input.model,
        snakemake.input.direction,
        snakemake.params.settings or read_json(snakemake.input.edit[0]),
        Path(snakemake.output[0]),
        form=snakemake.params.form,
        as_adapter=snakemake.params.as_adapter,
        match_change=next(iter(snakemake.input.get("matched", [])), None),
        threads=snakemake.threads,
    )
