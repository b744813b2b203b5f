"""Compare groups of replicates at equal refusal margins."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.matched import margin_of, matched_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.models.pointer import read_pointer

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    groups = snakemake.params.groups
    pointers = zip(groups, map(read_pointer, snakemake.input.models), strict=True)
    shown = {model: pointer.details.get("refusals_shown") for model, pointer in pointers}
    table = matched_table(
        read_table(snakemake.input.robustness),
        {model: margin_of(read_table(path)) for model, path in zip(groups, snakemake.input.margins, strict=True)},
        groups,
        refusals_shown=shown,
        families=snakemake.params.families,
        confidence=snakemake.params.confidence,
    )
    write_table(snakemake.output[0], table)
