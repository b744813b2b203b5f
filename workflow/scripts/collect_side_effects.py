"""Aggregate the side effects of every model–variant pair."""

from typing import TYPE_CHECKING

from steadfast.analysis.side_effects.rubrics import score_rubrics
from steadfast.analysis.side_effects.scoring import score_responses
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.side_effects import side_effects_table
from steadfast.core.files import read_table, write_table
from steadfast.core.job import run_job
from steadfast.grid import paths

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    verdicts = read_table(snakemake.input.verdicts)
    responses = {paths.responses().pair(path): read_table(path) for path in snakemake.input.responses}
    answers = score_responses(
        [(pair.model, pair.variant, table) for pair, table in responses.items()],
        read_table(snakemake.input.prompts),
        verdicts[verdicts["judge"] == snakemake.params.judge],
        snakemake.params.measures,
    )
    scores = {paths.SCORES.pair(path): read_table(path) for path in snakemake.input.scores}
    weights = [(pair.model, pair.variant, table) for pair, table in scores.items()]
    found = {path: paths.judgments().keys(path) for path in snakemake.input.get("rubrics", [])}
    judged = {(keys["judge"], keys["model"], keys["variant"]): read_table(path) for path, keys in found.items()}
    rubrics = score_rubrics(judged, snakemake.params.rubrics)
    effects = side_effects_table([*weights, *answers, *rubrics], Inference(**snakemake.params.inference))
    write_table(snakemake.output[0], effects)
