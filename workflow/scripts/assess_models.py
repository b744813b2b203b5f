"""Assess the robustness of every model–variant pair."""

from typing import TYPE_CHECKING

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.assessment import assessment_table
from steadfast.analysis.tables.compliance import with_compliance
from steadfast.analysis.tables.degradation import Criteria
from steadfast.analysis.tables.withstood import SEARCH, AttackClass, withstood_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    robustness = read_table(snakemake.input.robustness)
    attacks = {name: AttackClass(**facts) for name, facts in snakemake.params.attacks.items()}
    table = assessment_table(
        robustness,
        read_table(snakemake.input.edits),
        read_table(snakemake.input.side_effects),
        judge=snakemake.params.judge,
        controls=snakemake.params.controls,
        criteria=Criteria(**snakemake.params.criteria),
        searched={name: attack.words for name, attack in attacks.items() if attack.name == SEARCH and attack.complete},
    )
    inference = Inference(**snakemake.params.inference)
    for path in paths.listed(snakemake.input.outcomes):
        table = with_compliance(table, read_table(path), inference.confidence)
    write_table(snakemake.output[0], table)
    withstood = withstood_table(table, robustness, attacks, snakemake.params.judge, inference)
    write_table(snakemake.output.withstood, withstood)
