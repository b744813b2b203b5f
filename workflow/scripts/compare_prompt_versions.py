"""Measure the spread of a judge's rates over the versions of its prompt."""

from typing import TYPE_CHECKING

import pandas as pd

from steadfast.analysis.tables.prompt_versions import version_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params = snakemake.input, snakemake.params
    found = {path: paths.judgments().keys(path) for path in paths.listed(files.judgments)}
    judgments = pd.concat([read_table(path).assign(**keys) for path, keys in found.items()])
    labels = read_table(files.prompts).set_index("prompt_id")["label"]
    judgments = judgments.assign(label=judgments["prompt_id"].map(labels))
    table = version_table(judgments, params.versions, params.counted, controls=params.controls)
    write_table(snakemake.output[0], table)
