"""Export the results to the formats of other tools."""

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from steadfast.core.files import read_table, write_text
from steadfast.core.job import run_job
from steadfast.core.provenance import git_state
from steadfast.grid import paths
from steadfast.report.exports.dataset_folder import write_folder
from steadfast.report.exports.inspect_log import write_logs
from steadfast.report.exports.model_card import model_card_section
from steadfast.report.exports.results import RunResults

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, params, root = snakemake.input, snakemake.params, Path(snakemake.output[0])
    pairs = {paths.responses().pair(path): read_table(path) for path in paths.listed(files.responses)}
    results = RunResults(
        prompts=read_table(files.prompts),
        responses=pd.concat([table.assign(model=pair.model, variant=pair.variant) for pair, table in pairs.items()]),
        verdicts=read_table(files.verdicts),
        tables={name: read_table(files[name]) for name in ("robustness", "assessment", "agreement")},
        labels=params.labels,
        judge=params.judge,
        repositories=params.repositories,
        show=params.show,
        commit=git_state()["commit"] or "",
        confidence=params.confidence,
    )
    write_logs(root / "inspect", results)
    write_folder(root / "dataset", results)
    for model in dict.fromkeys(pair.model for pair in pairs):
        write_text(root / "model_cards" / f"{model}.md", model_card_section(results, model))
