"""Judge the responses of many model–variant pairs by one judge."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.judges.interface import build_scorer, cases_of, verdict_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    scorer = build_scorer({**params.judge, **json.loads(snakemake.resources.machine)}, params.scale)
    prompts = read_table(files.prompts)
    read = {
        paths.responses(params.split).pair(path): cases_of(read_table(path), prompts, label=params.label)
        for path in files.responses
    }
    verdicts = dict(zip(read, scorer.score(list(read.values())), strict=True))
    for path in snakemake.output.judgments:
        pair = paths.judgments(params.split).pair(path)
        write_table(path, verdict_table(read[pair], verdicts[pair]))
