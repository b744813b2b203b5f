"""Sum up the side effects of every system."""

from typing import TYPE_CHECKING

from steadfast.analysis.side_effects.rubrics import score_rubrics
from steadfast.analysis.side_effects.scoring import score_responses
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.side_effects import side_effects_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    verdicts = read_table(snakemake.input.verdicts)
    names = [(model, variant) for model, variant in snakemake.params.systems]
    responses = [read_table(path) for path in snakemake.input.responses]
    answers = score_responses(
        [(*name, table) for name, table in zip(names, responses, strict=True)],
        read_table(snakemake.input.prompts),
        verdicts[verdicts["judge"] == snakemake.params.judge],
        snakemake.params.measures,
    )
    weights = [(*name, read_table(path)) for name, path in zip(names, snakemake.input.scores, strict=True)]
    rubrics = score_rubrics(names, snakemake.params.rubrics, snakemake.input.get("rubrics", []))
    effects = side_effects_table([*weights, *answers, *rubrics], Inference(**snakemake.params.inference))
    write_table(snakemake.output[0], effects)
