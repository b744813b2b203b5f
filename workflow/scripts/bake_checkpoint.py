"""Edit the weights of a model for one variant or several: as checkpoints, or as factors over the original's weights."""

from pathlib import Path
from typing import TYPE_CHECKING

from steadfast.attacks.baking import write_edited
from steadfast.core.files import read_json
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    outputs = {paths.CHECKPOINT.pair(path).variant: Path(path) for path in snakemake.output}
    directions = paths.DIRECTION.by("variant", files.directions)
    for edit in params.edits:
        variant = edit["variant"]
        print(f"{variant}:", flush=True)
        write_edited(
            files.model,
            directions[variant],
            edit["settings"] or read_json(files.edit[0]),
            outputs[variant],
            form=edit["form"],
            as_adapter=params.as_adapter,
            match_change=next(iter(files.matched), None),
            threads=snakemake.threads,
        )
