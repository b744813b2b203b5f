"""Attack selection: the best attack of some sweeps, selected on calibration prompts.

Produces results/directions/{model}/{variant}.safetensors with the whole comparison beside it as CSV and the chosen edit
as {variant}.edit.json, for variants that are the best attack of some sweeps (`best_attack_of`), and
results/tables/best_attacks.csv; other grids do not request them. The responses and judgments for the selection are
made by responses.smk and judgments.smk.
"""

from steadfast.grid.attack_selection import AttackSelection

ATTACK_SELECTION = AttackSelection(GRID)


rule best_attack:
    """Select the best attack: the lowest refusal rate among effective attacks that preserve capability."""
    input:
        directions=ATTACK_SELECTION.directions,
        checkpoints=ATTACK_SELECTION.checkpoints,
        responses=ATTACK_SELECTION.responses,
        judgments=ATTACK_SELECTION.judgments,
    output:
        direction=paths.DIRECTION,
        selection=paths.SELECTION,
        edit=paths.CHOSEN_EDIT,
    log:
        paths.log("directions/{model}/{variant}"),
    benchmark:
        paths.benchmark("directions/{model}/{variant}")
    wildcard_constraints:
        variant=either(ATTACK_SELECTION.chosen),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        edits=ATTACK_SELECTION.edits,
        prompts=ATTACK_SELECTION.counted,
        degenerate=GRID.config["assessment"]["degenerate"],
        code=digest("choose_attack.py"),
    message:
        "{wildcards.model}, {wildcards.variant}: select the best attack"
    script:
        "../scripts/choose_attack.py"


rule best_attacks:
    """List the best attack of each model, with the numbers of the selection."""
    input:
        directions=paths.DIRECTION.of(ATTACK_SELECTION.chosen_pairs),
    output:
        paths.table("best_attacks"),
    log:
        paths.log("tables/best_attacks"),
    benchmark:
        paths.benchmark("tables/best_attacks")
    conda:
        "../../envs/base.yaml"
    params:
        code=digest("collect_best_attacks.py"),
    message:
        "list the best attacks"
    script:
        "../scripts/collect_best_attacks.py"
