"""Count the outcomes of harmful prompts: refused, complied or neither."""

from typing import TYPE_CHECKING

import pandas as pd

from steadfast.analysis.tables.response_outcomes import outcome_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.judges.interface import KEYS, says_something

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    pairs = {paths.responses().pair(path): read_table(path) for path in paths.listed(files.responses)}
    responses = pd.concat([table.assign(model=pair.model, variant=pair.variant) for pair, table in pairs.items()])
    silent = responses["unfinished_thinking"] | ~responses["response"].map(says_something)
    found = [(paths.judgments().keys(path), read_table(path)) for path in paths.listed(files.compliance)]
    table = outcome_table(
        read_table(files.verdicts),
        [(keys["judge"], keys["model"], keys["variant"], judged) for keys, judged in found],
        responses.loc[silent, ["model", "variant", *KEYS]],
        judge=params.judge,
        confidence=params.confidence,
    )
    write_table(snakemake.output[0], table)
