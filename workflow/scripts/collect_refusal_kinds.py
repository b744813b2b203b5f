"""Count the kinds of refusals, and measure the agreement of the judges of kinds."""

from typing import TYPE_CHECKING

import pandas as pd

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.refusal_kinds import kind_agreement, kind_confusion, kind_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    params, found = snakemake.params, paths.listed(snakemake.input.judgments)
    judgments = pd.concat([read_table(path).assign(**paths.judgments().keys(path)) for path in found])
    inference = Inference(**params.inference)
    studied = judgments[~judgments["variant"].isin(list(params.controls))]
    write_table(snakemake.output.kinds, kind_table(judgments, inference.confidence))
    write_table(snakemake.output.agreement, kind_agreement(studied, inference))
    write_table(snakemake.output.confusion, kind_confusion(studied))
