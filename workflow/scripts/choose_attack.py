"""Select the best attack on one model."""

from typing import TYPE_CHECKING

from steadfast.analysis.attack_selection import Attack, choose_attack
from steadfast.core.files import read_table, write_json
from steadfast.core.job import run_job
from steadfast.core.names import ORIGINAL
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    directions = paths.DIRECTION.by("variant", files.directions)
    checkpoints = paths.CHECKPOINT.by("variant", files.checkpoints)
    responses = {paths.responses("attack_selection").pair(path).variant: read_table(path) for path in files.responses}
    judgments = {paths.judgments("attack_selection").pair(path).variant: read_table(path) for path in files.judgments}
    choice = choose_attack(
        [
            Attack(name, edit, directions[name], checkpoints[name], responses[name], judgments[name])
            for name, edit in params.edits.items()
        ],
        responses[ORIGINAL],
        judgments[ORIGINAL],
        prompts=params.prompts,
        degenerate=params.degenerate,
    )
    choice.direction.save(snakemake.output.direction)
    write_json(snakemake.output.edit, choice.edit)
