"""Compare groups of replicates at equal refusal margins."""

from typing import TYPE_CHECKING

from steadfast.analysis.tables.matched import margin_of, matched_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.models.pointer import read_pointer

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    groups = snakemake.params.groups
    pointers = {paths.MODEL.keys(path)["model"]: read_pointer(path) for path in snakemake.input.models}
    margins = {paths.MARGINS.keys(path)["model"]: read_table(path) for path in snakemake.input.margins}
    table = matched_table(
        read_table(snakemake.input.robustness),
        {model: margin_of(table) for model, table in margins.items()},
        groups,
        refusals_shown={model: pointer.details.get("refusals_shown") for model, pointer in pointers.items()},
        families=snakemake.params.families,
        confidence=snakemake.params.confidence,
    )
    write_table(snakemake.output[0], table)
