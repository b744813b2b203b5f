"""Judgments: every judge gives a verdict on every response.

Produces results/judgments/{judge}/{model}/{variant}.parquet. A judge that needs the weights of the model under
test runs once per model–variant pair, and judges control responses of another model in the same job
(results/self_monitoring/{judge}/{model}/{variant}.parquet). Every other judge runs once for the whole grid, so that
its own weights are loaded once and cheap judges cost one process, not one per cell.
"""

for judge in GRID.judges_with_scope("grid"):

    rule:
        name:
            f"judge_with_{judge}".replace("-", "_")
        input:
            responses=GRID.responses(),
            prompts="results/prompts/prompts.parquet",
            files=GRID.judge_files(judge),
        output:
            judgments=GRID.judgments([judge]),
        log:
            f"results/logs/judgments/{judge}.log",
        benchmark:
            f"results/benchmarks/judgments/{judge}.tsv"
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
            f"judge {judge}: judge the responses of all {len(GRID.systems)} model–variant pairs"
        script:
            "../scripts/judge_responses.py"


rule judge_own_responses:
    """Let a model judge its own responses and control responses of another model."""
    input:
        responses="results/responses/{model}/{variant}.parquet",
        others=lambda wildcards: GRID.donated_responses(
            wildcards.judge, wildcards.model
        ),
        prompts="results/prompts/prompts.parquet",
        files=lambda wildcards: GRID.judge_files(wildcards.judge),
        checkpoint=lambda wildcards: GRID.checkpoint(wildcards.model, wildcards.variant),
        direction=lambda wildcards: GRID.hook_direction(
            wildcards.model, wildcards.variant
        ),
    output:
        judgments="results/judgments/{judge}/{model}/{variant}.parquet",
        control="results/self_monitoring/{judge}/{model}/{variant}.parquet",
    log:
        "results/logs/judgments/{judge}/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/judgments/{judge}/{model}/{variant}.tsv"
    wildcard_constraints:
        judge=GRID.either(GRID.judges_with_scope("system")),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.judgments(GRID.judges_with_scope("system")))
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=lambda wildcards: GRID.judge_machine(wildcards.judge),
    params:
        judge=lambda wildcards: GRID.judge_arguments(
            wildcards.judge, wildcards.model, wildcards.variant
        ),
        donors=lambda wildcards: GRID.donors(wildcards.judge, wildcards.model),
        control=lambda wildcards: GRID.control(wildcards.judge),
        code=lambda wildcards: GRID.judge_digest(
            wildcards.judge, wildcards.variant, "judge_own_responses.py"
        ),
    message:
        "judge {wildcards.judge}: judge the responses of {wildcards.model}, {wildcards.variant}"
    script:
        "../scripts/judge_own_responses.py"
