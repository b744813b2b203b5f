"""Attack search: the best of many edits that a sampler proposes, selected on calibration prompts.

Produces results/directions/{model}/{variant}.safetensors with all trials beside it as CSV and the chosen edit as
{variant}.edit.json, for variants with a `search`; other grids do not request them. Finished trials and responses are
kept in results/search/, so that a search that was killed, or is to have more trials, goes on.
"""

from steadfast.grid.attack_search import AttackSearch
from steadfast.grid.responses import sampling

ATTACK_SEARCH = AttackSearch(GRID)


rule attack_search:
    """Search for the best attack: screen trials in memory, judge the best, choose by refusals and divergence."""
    input:
        model=paths.MODEL,
        prompts=paths.PROMPTS,
        activations=paths.ACTIVATIONS,
        judge=ATTACK_SEARCH.judge_files,
    output:
        direction=paths.DIRECTION,
        selection=paths.SELECTION,
        edit=paths.CHOSEN_EDIT,
    log:
        paths.log("directions/{model}/{variant}"),
    benchmark:
        paths.benchmark("directions/{model}/{variant}")
    wildcard_constraints:
        variant=either(ATTACK_SEARCH.variants),
    conda:
        "../../envs/base.yaml"
    threads: ATTACK_SEARCH.threads(THREADS.by_model(ATTACK_SEARCH.outputs))
    resources:
        gpu=ATTACK_SEARCH.gpus,
        machine=JOBS.forward_passes(),
        judge=ATTACK_SEARCH.judge_machine,
    params:
        settings=ATTACK_SEARCH.settings,
        judge=ATTACK_SEARCH.judge_arguments,
        sampling=sampling(GRID),
        thinking_markers=GRID.config["generation"]["thinking_markers"],
        chat=JOBS.chat,
        degenerate=GRID.config["assessment"]["degenerate"],
        seed=GRID.config["seed"],
        journal=ATTACK_SEARCH.journal,
        code=ATTACK_SEARCH.digest,
    message:
        "{wildcards.model}, {wildcards.variant}: search for the best attack"
    script:
        "../scripts/search_attack.py"


rule searches:
    """List the finalists of every search, and evaluate the selected ones on the evaluation prompts."""
    input:
        directions=ATTACK_SEARCH.outputs,
        robustness=paths.table("robustness"),
        side_effects=paths.table("side_effects"),
    output:
        paths.table("search"),
    log:
        paths.log("tables/search"),
    benchmark:
        paths.benchmark("tables/search")
    conda:
        "../../envs/base.yaml"
    params:
        judge=GRID.reference,
        inference=GRID.inference,
        code=digest("collect_searches.py"),
    message:
        "list the fronts of the searches"
    script:
        "../scripts/collect_searches.py"
