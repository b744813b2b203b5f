"""Let one system that is hooked while it runs answer the prompts of a split."""

import json
from typing import TYPE_CHECKING

from steadfast.attacks.directions import load_direction
from steadfast.attacks.interventions import preparation
from steadfast.core.files import read_table, sha256_file
from steadfast.core.job import run_job
from steadfast.generation.engines.transformers import build
from steadfast.generation.interface import Runtime
from steadfast.generation.responses import write_responses

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    prompts = read_table(snakemake.input.prompts)
    chosen = (prompts["split"] == snakemake.params.split) & load_direction(snakemake.input.direction).valid
    chat = dict(snakemake.params.chat)
    hook, direction = snakemake.params.hook, snakemake.input.direction
    engine = build(
        dtype=chat.pop("dtype"),
        runtime=Runtime(**json.loads(snakemake.resources.machine)),
        prepare=preparation(hook, direction),
    )
    write_responses(
        snakemake.output[0],
        snakemake.input.checkpoint,
        prompts[chosen],
        settings=snakemake.params.sampling,
        engine=engine,
        thinking_markers=snakemake.params.thinking_markers,
        identity={"hook": hook, "direction": sha256_file(direction)},
        **chat,
    )
