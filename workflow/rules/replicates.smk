"""Replicates: models that share a group, taken together and compared at equal refusal margins.

Produces results/tables/groups.csv and results/tables/matched.csv, in grids that have groups.
"""

from steadfast.grid.replicates import Replicates

REPLICATES = Replicates(GRID)


rule replicates:
    """Compute rates and changes of groups of replicates, with confidence intervals across seeds."""
    input:
        verdicts=paths.VERDICTS,
    output:
        paths.table("groups"),
    log:
        paths.log("tables/groups"),
    benchmark:
        paths.benchmark("tables/groups")
    conda:
        "../../envs/base.yaml"
    params:
        groups=REPLICATES.groups,
        inference=GRID.inference,
        code=digest("aggregate_replicates.py"),
    message:
        "aggregate the replicates of each recipe"
    script:
        "../scripts/aggregate_replicates.py"


rule refusal_margin:
    """Measure the refusal margin of a model by the first token of its responses."""
    input:
        model=paths.MODEL,
        prompts=paths.PROMPTS,
    output:
        paths.MARGINS,
    log:
        paths.log("margins/{model}"),
    benchmark:
        paths.benchmark("margins/{model}")
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        gpu=JOBS.gpus,
        machine=JOBS.forward_passes(),
    params:
        chat=JOBS.chat,
        code=digest("measure_margin.py"),
    message:
        "{wildcards.model}: measure the refusal margin"
    script:
        "../scripts/measure_margin.py"


rule matched:
    """Compare the groups of each family at equal refusal margins before the edit."""
    input:
        robustness=paths.table("robustness"),
        models=REPLICATES.models,
        margins=REPLICATES.margins,
    output:
        paths.table("matched"),
    log:
        paths.log("tables/matched"),
    benchmark:
        paths.benchmark("tables/matched")
    conda:
        "../../envs/base.yaml"
    params:
        groups=REPLICATES.groups,
        families=GRID.config["statistics"]["families"],
        confidence=GRID.config["statistics"]["confidence"],
        code=digest("match_groups.py"),
    message:
        "compare groups at equal refusal margins"
    script:
        "../scripts/match_groups.py"
