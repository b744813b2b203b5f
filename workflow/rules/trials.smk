"""Attack selection: the best attack of a sweep, selected on calibration prompts.

Produces results/trials/responses/{model}/{variant}.parquet and results/trials/judgments/{judge}/{model}/{variant}.parquet,
for variants that are the best attack of some sweeps (`strongest_of`), their results/directions/{model}/{variant}.safetensors
with the whole comparison as CSV, and results/tables/strongest.csv; other grids do not request them.
"""


rule trial_responses:
    """Generate the responses of a candidate attack, or of the original, to the attack-selection set."""
    input:
        checkpoint=lambda wildcards: GRID.checkpoint(wildcards.model, wildcards.variant),
        prompts="results/prompts/prompts.parquet",
    output:
        "results/trials/responses/{model}/{variant}.parquet",
    log:
        "results/logs/trials/responses/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/trials/responses/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.tried_variants()),
    conda:
        f"../../envs/{GRID.engine_environment()}.yaml"
    threads: THREADS.by_model(GRID.all_trial_responses())
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=lambda wildcards, threads: GRID.machine(wildcards.model, threads),
    params:
        first=lambda wildcards: GRID.tried_prompts(wildcards.variant),
        engine=GRID.config["generation"]["engine"],
        sampling=GRID.sampling(),
        thinking_markers=GRID.config["generation"]["thinking_markers"],
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        code=GRID.responses_digest(script="generate_trial_responses.py"),
    message:
        "{wildcards.model}, {wildcards.variant}: generate responses to the attack-selection set"
    script:
        "../scripts/generate_trial_responses.py"


for judge in GRID.choosing_judges():

    rule:
        name:
            f"try_with_{judge}".replace("-", "_")
        input:
            responses=GRID.trial_responses(GRID.trial_systems(judge)),
            prompts="results/prompts/prompts.parquet",
            files=GRID.judge_files(judge),
        output:
            judgments=GRID.trial_judgments(judge),
        log:
            f"results/logs/trials/judgments/{judge}.log",
        benchmark:
            f"results/benchmarks/trials/judgments/{judge}.tsv"
        conda:
            f"../../envs/{GRID.judge_environment(judge)}.yaml"
        threads: THREADS.of_judge(judge, GRID)
        resources:
            gpu=GRID.judge_gpus(judge),
            machine=GRID.judge_machine(judge, THREADS.of_judge(judge, GRID)),
        params:
            judge=GRID.judge_arguments(judge),
            code=GRID.judge_digest(judge),
        message:
            f"judge {judge}: judge {len(GRID.trial_systems(judge))} candidates on the attack-selection set"
        script:
            "../scripts/judge_responses.py"


rule strongest_attack:
    """Select the best attack: the lowest refusal rate among effective attacks that preserve capability."""
    input:
        unpack(lambda wildcards: GRID.choice_inputs(wildcards.model, wildcards.variant)),
    output:
        direction="results/directions/{model}/{variant}.safetensors",
        selection="results/directions/{model}/{variant}.csv",
    log:
        "results/logs/directions/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/directions/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.chosen_variants()),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        attacks=lambda wildcards: GRID.tried_attacks(wildcards.variant),
        prompts=lambda wildcards: GRID.choosing_prompts(wildcards.variant),
        degenerate=GRID.config["assessment"]["degenerate"],
        code=GRID.digest("choose_attack.py"),
    message:
        "{wildcards.model}, {wildcards.variant}: select the best attack"
    script:
        "../scripts/choose_attack.py"


rule strongest_attacks:
    """List the best attack of each model, with the numbers that it was selected by."""
    input:
        directions=GRID.direction_files(GRID.chosen_systems()),
    output:
        "results/tables/strongest.csv",
    log:
        "results/logs/tables/strongest.log",
    benchmark:
        "results/benchmarks/tables/strongest.tsv"
    conda:
        "../../envs/base.yaml"
    params:
        systems=GRID.pairs(GRID.chosen_systems()),
        code=GRID.digest("collect_strongest.py"),
    message:
        "list the best attacks"
    script:
        "../scripts/collect_strongest.py"
