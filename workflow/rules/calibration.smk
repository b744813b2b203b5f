"""Calibration: responses of the original models to the calibration prompts, and a judge's verdicts on them.

Produces results/calibration/responses/{model}.parquet and results/calibration/judgments/{judge}/{model}.parquet, for
directions that contrast refused with answered prompts (`contrast: behaviour`); other grids do not request them.
"""


rule calibration_responses:
    """Generate the original model's responses to the calibration prompts."""
    input:
        checkpoint="results/models/{model}",
        prompts="results/prompts/prompts.parquet",
    output:
        "results/calibration/responses/{model}.parquet",
    log:
        "results/logs/calibration/responses/{model}.log",
    benchmark:
        "results/benchmarks/calibration/responses/{model}.tsv"
    conda:
        f"../../envs/{GRID.engine_environment()}.yaml"
    threads: THREADS.by_model(GRID.calibration_responses())
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=lambda wildcards, threads: GRID.machine(wildcards.model, threads),
    params:
        split="calibration",
        engine=GRID.config["generation"]["engine"],
        sampling=GRID.sampling(),
        thinking_markers=GRID.config["generation"]["thinking_markers"],
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        code=GRID.responses_digest(),
    message:
        "{wildcards.model}: generate responses to the calibration prompts"
    script:
        "../scripts/generate_responses.py"


for judge in GRID.contrast_judges("grid"):

    rule:
        name:
            f"calibrate_with_{judge}".replace("-", "_")
        input:
            responses=GRID.calibration_responses(),
            prompts="results/prompts/prompts.parquet",
            files=GRID.judge_files(judge),
        output:
            judgments=GRID.calibration_judgments(judge),
        log:
            f"results/logs/calibration/judgments/{judge}.log",
        benchmark:
            f"results/benchmarks/calibration/judgments/{judge}.tsv"
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
            f"judge {judge}: judge the responses to the calibration prompts"
        script:
            "../scripts/judge_responses.py"


rule calibrate_with_itself:
    """Let a model judge its own responses to the calibration prompts."""
    input:
        responses="results/calibration/responses/{model}.parquet",
        prompts="results/prompts/prompts.parquet",
        files=lambda wildcards: GRID.judge_files(wildcards.judge),
        checkpoint="results/models/{model}",
    output:
        judgments="results/calibration/judgments/{judge}/{model}.parquet",
    log:
        "results/logs/calibration/judgments/{judge}/{model}.log",
    benchmark:
        "results/benchmarks/calibration/judgments/{judge}/{model}.tsv"
    wildcard_constraints:
        judge=GRID.either(GRID.contrast_judges("system")),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.calibration_responses())
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=lambda wildcards: GRID.judge_machine(wildcards.judge),
    params:
        judge=lambda wildcards: GRID.judge_arguments(
            wildcards.judge, wildcards.model, "original"
        ),
        code=lambda wildcards: GRID.judge_digest(wildcards.judge),
    message:
        "judge {wildcards.judge}: judge the responses of {wildcards.model} to the calibration prompts"
    script:
        "../scripts/judge_responses.py"
