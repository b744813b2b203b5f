"""Search for the best attack on a model."""

import json
from typing import TYPE_CHECKING

from steadfast.analysis.attack_search.searching import search_attack
from steadfast.attacks.activations import Activations
from steadfast.attacks.direction_search.refusal_score import ModelAccess
from steadfast.attacks.search.settings import SearchSettings
from steadfast.core.files import read_table, write_json
from steadfast.core.job import run_job
from steadfast.judges.interface import build_scorer
from steadfast.prompts.splits import CALIBRATION, prompts_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params, resources = snakemake.input, snakemake.params, snakemake.resources
    prompts = prompts_of(read_table(files.prompts), CALIBRATION)
    choice = search_attack(
        SearchSettings.read(params.settings),
        Activations.load(files.activations),
        ModelAccess(files.model, prompts, **json.loads(resources.machine), **params.chat),
        judge=build_scorer({**params.judge, **json.loads(resources.judge)}),
        sampling=params.sampling,
        thinking_markers=params.thinking_markers,
        degenerate=params.degenerate,
        seed=params.seed,
        journal=params.journal,
        code=params.code,
    )
    choice.direction.save(snakemake.output.direction)
    write_json(snakemake.output.edit, choice.edit)
