"""Tell where each judge differs from the reference."""

from typing import TYPE_CHECKING

from steadfast.files import read_table, write_table, write_text
from steadfast.job import run_job
from steadfast.statistics.settings import Inference
from steadfast.tables import fidelity
from steadfast.tables.judge_report import judge_report
from steadfast.tables.labels import Labels

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    cells = [(*system, path) for system, path in zip(snakemake.params.systems, snakemake.input.responses, strict=True)]
    lengths = fidelity.collect_lengths(cells)
    verdicts, reference = read_table(snakemake.input.verdicts), snakemake.params.reference
    inference = Inference(**snakemake.params.inference)
    tables = {
        "confusion": fidelity.confusion_table(verdicts, reference),
        "disputed": fidelity.disputed_responses(verdicts, reference, lengths),
        "by_length": fidelity.disputes_by_length(verdicts, reference, lengths, inference),
        "bias": fidelity.bias_table(verdicts, reference, inference),
    }
    for name, table in tables.items():
        write_table(snakemake.output[name], table)
    labels = Labels(**snakemake.params.labels)
    write_text(snakemake.output.report, judge_report(**tables, reference=reference, labels=labels))
