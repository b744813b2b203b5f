"""Combine the verdicts of the members of one ensemble."""

from typing import TYPE_CHECKING

import pandas as pd

from steadfast.analysis.tables.ensembles import combine
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.judges.interface import COLUMNS

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    params, template = snakemake.params, paths.judgments()
    votes = {path: template.keys(path) for path in snakemake.input.votes}
    judgments = pd.concat([read_table(path).assign(**keys) for path, keys in votes.items()])
    combined = combine(judgments, params.settings, params.controls)
    for path in snakemake.output.judgments:
        pair = template.pair(path)
        own = (combined["model"] == pair.model) & (combined["variant"] == pair.variant)
        write_table(path, combined.loc[own, COLUMNS])
