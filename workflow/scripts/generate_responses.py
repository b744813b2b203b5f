"""Let one model-variant pair answer the prompts of a split."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.generation.responses import write_responses
from steadfast.generation.subjects import build_subject
from steadfast.prompts.splits import prompts_of

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params, chat = snakemake.input, snakemake.params, dict(snakemake.params.chat)
    subject = build_subject(
        params.subject,
        files.checkpoint,
        next(iter(files.get("direction", [])), None),
        params.settings,
        dtype=chat.pop("dtype"),
        machine=json.loads(snakemake.resources.machine),
    )
    prompts = prompts_of(read_table(files.prompts), params.split, first=params.first)
    write_responses(
        snakemake.output[0],
        files.checkpoint,
        prompts if subject.was_changed else prompts.iloc[:0],
        settings=params.sampling,
        thinking_markers=params.thinking_markers,
        **subject.arguments,
        **chat,
    )
