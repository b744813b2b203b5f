"""Let one system judge its own responses and, as a control, some of another model's."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.core.registry import load
from steadfast.judges.control_responses import control_table, draw_control
from steadfast.judges.interface import cases_of, verdict_table

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    settings = {**snakemake.params.judge, **json.loads(snakemake.resources.machine)}
    judge = load("steadfast.judges.kinds", settings.pop("kind")).build(**settings)
    prompts = read_table(snakemake.input.prompts)
    own = cases_of(read_table(snakemake.input.responses), prompts)
    files = zip(snakemake.params.donors, snakemake.input.others, strict=True)
    donors = [(model, variant, read_table(path)) for (model, variant), path in files]
    # a system that was not changed, for want of a valid direction, has answered nothing and judges nothing
    control = draw_control(donors, prompts, **snakemake.params.control) if own else []
    # all at once: the weights load once
    verdicts = judge.judge([*own, *(drawn.case for drawn in control)])
    write_table(snakemake.output.judgments, verdict_table(own, verdicts[: len(own)]))
    write_table(snakemake.output.control, control_table(control, verdicts[len(own) :]))
