"""Draw the figures about the judges."""

from typing import TYPE_CHECKING

from steadfast.figures.judges import judge_figures
from steadfast.figures.study import save_all
from steadfast.files import atomic_directory, read_table
from steadfast.job import run_job
from steadfast.tables.labels import Labels

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    tables = {name: read_table(path) for name, path in snakemake.input.items()}
    params = snakemake.params
    settings = {name: params[name] for name in ("reference", "judge", "controls", "margin")}
    figures = judge_figures(**tables, labels=Labels(**params.labels), **settings)
    with atomic_directory(snakemake.output[0]) as directory:
        save_all(figures, directory)
