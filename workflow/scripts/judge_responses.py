"""Let one judge judge the responses of one system or of the whole grid."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.core.registry import load
from steadfast.judges.interface import cases_of, verdict_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    settings = {**snakemake.params.judge, **json.loads(snakemake.resources.machine)}
    judge = load("steadfast.judges.kinds", settings.pop("kind")).build(**settings)
    prompts = read_table(snakemake.input.prompts)
    responses = snakemake.input.responses
    paths = [responses] if isinstance(responses, str) else responses
    systems = [cases_of(read_table(path), prompts) for path in paths]
    # all systems at once: a judge that serves its model starts it once, and equal cases are judged once
    verdicts = iter(judge.judge([case for cases in systems for case in cases]))
    for cases, output in zip(systems, snakemake.output, strict=True):
        write_table(output, verdict_table(cases, [next(verdicts) for _ in cases]))
