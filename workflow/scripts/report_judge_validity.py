"""Report where each judge differs from the reference."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables import judge_validity
from steadfast.analysis.tables.display_names import Labels
from steadfast.core.files import read_table, write_table, write_text
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.report.judge_report import judge_report

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    pairs = {path: paths.responses().pair(path) for path in snakemake.input.responses}
    lengths = judge_validity.collect_lengths((pair.model, pair.variant, path) for path, pair in pairs.items())
    every = judge_validity.without_controls(read_table(snakemake.input.verdicts), snakemake.params.controls)
    reference = snakemake.params.reference
    verdicts, related = judge_validity.comparable(every, reference, snakemake.params.parts)
    inference = Inference(**snakemake.params.inference)
    tables = {
        "confusion": judge_validity.confusion_table(verdicts, reference),
        "disputed": judge_validity.disputed_responses(verdicts, reference, lengths),
        "by_length": judge_validity.disputes_by_length(verdicts, reference, lengths, inference),
        "bias": judge_validity.bias_table(verdicts, reference, inference),
    }
    for name, table in tables.items():
        write_table(snakemake.output[name], table)
    text = judge_report(
        **tables,
        reference=reference,
        labels=Labels(**snakemake.params.labels),
        prompts=read_table(snakemake.input.prompts),
        baselines=snakemake.params.baselines,
        compared=judge_validity.compared_responses(verdicts, reference, snakemake.params.baselines),
        related=related,
    )
    write_text(snakemake.output.report, text)
