"""Convert exported annotations to judgments of human judges."""

from typing import TYPE_CHECKING

from steadfast.core.job import run_job
from steadfast.judges.annotation.judgments import write_human_judgments

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    write_human_judgments(
        snakemake.input.annotations,
        key=snakemake.input.key,
        prompts=snakemake.input.prompts,
        judgments=snakemake.output.judgments,
        labels=snakemake.output.labels,
        summary=snakemake.output.annotators,
    )
