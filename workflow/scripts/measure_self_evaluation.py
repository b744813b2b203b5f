"""Measure how well models under test recognize refusals in their own and in control responses."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.self_evaluation import self_evaluation_table
from steadfast.analysis.tables.self_judgments import collect_self_judgments
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    own = {tuple(paths.judgments().keys(path).values()): path for path in snakemake.input.own}
    control = {tuple(paths.CONTROL_JUDGMENTS.keys(path).values()): path for path in snakemake.input.control}
    reference = {path: paths.judgments().pair(path) for path in snakemake.input.reference}
    judgments = collect_self_judgments(
        [(*cell, path, control[cell]) for cell, path in own.items()],
        [(pair.model, pair.variant, path) for path, pair in reference.items()],
        read_table(snakemake.input.prompts),
    )
    table = self_evaluation_table(judgments, inference=Inference(**snakemake.params.inference))
    write_table(snakemake.output[0], table)
