"""Feed a table of refusal counts from elsewhere through the study's statistics and figures."""

from typing import TYPE_CHECKING

from steadfast.figures.study import save_all, study_figures
from steadfast.files import atomic_directory, write_matrix, write_table
from steadfast.job import run_job
from steadfast.tables.agreement import agreement_from_counts, square_matrix
from steadfast.tables.counts import read_counts
from steadfast.tables.ordering import names_of
from steadfast.tables.robustness import robustness_from_counts

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    counts = read_counts(snakemake.input.counts)
    correlation = square_matrix(agreement_from_counts(counts))
    confidence, margin = (snakemake.params.statistics[key] for key in ("confidence", "survival_margin"))
    write_matrix(snakemake.output.correlation, correlation)
    write_table(snakemake.output.rates, robustness_from_counts(counts, confidence=confidence, margin=margin))
    with atomic_directory(snakemake.output.figures) as directory:
        save_all(study_figures(counts, correlation, judges=names_of(counts, "judge")), directory)
