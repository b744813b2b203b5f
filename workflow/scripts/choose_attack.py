"""Choose the strongest of the attacks that were tried on one model."""

from typing import TYPE_CHECKING

from steadfast.analysis.attack_selection import Attack, choose_attack
from steadfast.core.files import read_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    # of the trials the original's come first
    trials = [
        (read_table(responses), read_table(judgments))
        for responses, judgments in zip(snakemake.input.responses, snakemake.input.judgments, strict=True)
    ]
    edits = snakemake.params.attacks.items()
    files = zip(snakemake.input.directions, snakemake.input.checkpoints, trials[1:], strict=True)
    attacks = [
        Attack(name, edit, direction, checkpoint, *trial)
        for (name, edit), (direction, checkpoint, trial) in zip(edits, files, strict=True)
    ]
    direction = choose_attack(
        attacks, *trials[0], prompts=snakemake.params.prompts, degenerate=snakemake.params.degenerate
    )
    direction.save(snakemake.output.direction)
