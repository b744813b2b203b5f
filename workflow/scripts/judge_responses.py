"""Let one judge judge the responses of one system or of the whole grid."""

from typing import TYPE_CHECKING

from steadfast.files import read_table, write_table
from steadfast.job import run_job
from steadfast.registry import load
from steadfast.verdicts import cases_of, verdict_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    settings = dict(snakemake.params.judge)
    judge = load("steadfast.judges", settings.pop("kind")).build(**settings)
    prompts = read_table(snakemake.input.prompts)
    responses = snakemake.input.responses
    for path, output in zip([responses] if isinstance(responses, str) else responses, snakemake.output, strict=True):
        cases = cases_of(read_table(path), prompts)
        write_table(output, verdict_table(cases, judge.judge(cases)))
        print(f"{output}: {len(cases)} responses judged", flush=True)
