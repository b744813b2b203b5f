"""Responses: every system answers the evaluation prompts.

Produces results/responses/{model}/{variant}.parquet.
"""


rule responses:
    """Generate the responses of one model–variant pair."""
    input:
        checkpoint=lambda wildcards: GRID.checkpoint(wildcards.model, wildcards.variant),
        prompts="results/prompts/prompts.parquet",
    output:
        "results/responses/{model}/{variant}.parquet",
    log:
        "results/logs/responses/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/responses/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.unhooked_variants()),
    conda:
        f"../../envs/{GRID.engine_environment()}.yaml"
    threads: THREADS.by_model(GRID.responses())
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=lambda wildcards, threads: GRID.machine(wildcards.model, threads),
    params:
        split="evaluation",
        engine=GRID.config["generation"]["engine"],
        sampling=GRID.sampling(),
        decoding=lambda wildcards: GRID.decoding(wildcards.variant),
        thinking_markers=GRID.config["generation"]["thinking_markers"],
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        code=lambda wildcards: GRID.responses_digest(wildcards.variant),
    message:
        "{wildcards.model}, {wildcards.variant}: generate responses"
    script:
        "../scripts/generate_responses.py"


rule hooked_responses:
    """Generate the responses of a variant with an inference-time intervention."""
    input:
        checkpoint=lambda wildcards: GRID.checkpoint(wildcards.model, wildcards.variant),
        direction="results/directions/{model}/{variant}.safetensors",
        prompts="results/prompts/prompts.parquet",
    output:
        "results/responses/{model}/{variant}.parquet",
    log:
        "results/logs/responses/{model}/{variant}.log",
    benchmark:
        "results/benchmarks/responses/{model}/{variant}.tsv"
    wildcard_constraints:
        variant=GRID.either(GRID.hooked_variants()),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.responses())
    resources:
        gpu=lambda wildcards: GRID.gpus(wildcards.model),
        machine=lambda wildcards, threads: GRID.machine(wildcards.model, threads),
    params:
        split="evaluation",
        hook=lambda wildcards: GRID.hook(wildcards.variant),
        sampling=GRID.sampling(),
        thinking_markers=GRID.config["generation"]["thinking_markers"],
        chat=lambda wildcards: GRID.chat_settings(wildcards.model),
        code=lambda wildcards: GRID.hooked_responses_digest(wildcards.variant),
    message:
        "{wildcards.model}, {wildcards.variant}: generate responses with the intervention"
    script:
        "../scripts/generate_hooked_responses.py"
