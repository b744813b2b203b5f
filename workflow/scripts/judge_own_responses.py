"""Judge the own and control responses of several variants of one model by the variants themselves."""

import json
from typing import TYPE_CHECKING

from steadfast.core.files import read_table
from steadfast.core.job import run_job
from steadfast.grid import paths
from steadfast.judges.own_responses import OwnResponses, judge_own_responses

if TYPE_CHECKING:
    from snakemake.script import snakemake

with run_job(snakemake):
    files, outputs, params = snakemake.input, snakemake.output, snakemake.params
    read = paths.responses(params.split).by("variant", files.responses)
    judged = paths.judgments(params.split).by("variant", outputs.judgments)
    controls = paths.CONTROL_JUDGMENTS.by("variant", outputs.control)
    sources = {paths.responses().pair(path): path for path in files.others}
    judge_own_responses(
        [
            OwnResponses(
                **judging,
                responses=read[judging["variant"]],
                judgments=judged[judging["variant"]],
                control=controls.get(judging["variant"]),
            )
            for judging in params.judging
        ],
        [(pair.model, pair.variant, path) for pair, path in sources.items()],
        read_table(files.prompts),
        files=files.files,
        cache=params.cache,
        **params.control,
        **json.loads(snakemake.resources.machine),
    )
