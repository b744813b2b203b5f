"""Compute the study's statistics and figures for an existing table of refusal counts."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.counts import read_counts
from steadfast.core.files import atomic_directory, write_matrix, write_table
from steadfast.core.job import run_job
from steadfast.report.counts_tables import figures_from_counts, tables_from_counts
from steadfast.report.figures.drawing import save_all
from steadfast.report.figures.look import Look, drawn_as

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    counts = read_counts(snakemake.input.counts)
    margin = snakemake.params.margin
    tables = tables_from_counts(counts, confidence=snakemake.params.confidence, margin=margin)
    write_matrix(snakemake.output.correlation, tables["judge_correlation"])
    for name in ("rates", "conclusions", "ranking"):
        write_table(snakemake.output[name], tables[name])
    look, confidence = Look.read(snakemake.params.look), snakemake.params.confidence
    with atomic_directory(snakemake.output.figures) as directory, drawn_as(look):
        save_all(figures_from_counts(counts, tables, margin=margin, confidence=confidence), directory, look)
