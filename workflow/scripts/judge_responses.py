"""Let one judge judge the responses of one pair or of the whole grid, and some control responses."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.judges.control_responses import control_table, draw_control
from steadfast.judges.interface import build_scorer, cases_of, verdict_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, outputs, split = snakemake.input, snakemake.output, snakemake.params.split
    settings = {**snakemake.params.judge, **json.loads(snakemake.resources.machine)}
    scorer = build_scorer(settings, snakemake.params.get("scale", "refusal"))
    prompts, label = read_table(files.prompts), snakemake.params.get("label")
    read = {
        paths.responses(split).pair(path): cases_of(read_table(path), prompts, label=label)
        for path in paths.listed(files.responses)
    }
    others = {paths.responses().pair(path): read_table(path) for path in files.get("others", [])}
    source_models = [(pair.model, pair.variant, table) for pair, table in others.items()]
    # a pair that was not changed, for want of a valid direction, has answered nothing and judges nothing
    asked = source_models and any(read.values())
    control = draw_control(source_models, prompts, **snakemake.params.control) if asked else []
    *verdicts, of_control = scorer.score([*read.values(), [drawn.case for drawn in control]])
    judged = {pair: verdict_table(read[pair], found) for pair, found in zip(read, verdicts, strict=True)}
    for path in paths.listed(outputs.judgments):
        write_table(path, judged[paths.judgments(split).pair(path)])
    if "control" in outputs.keys():
        write_table(outputs.control, control_table(control, of_control))
