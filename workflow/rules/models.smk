"""Models: trained here, fetched from the hub, pointed to on this machine, written out from GGUF files, or merged.

Produces results/models/{model}/, a checkpoint or a pointer to one (model.json).
"""


rule train_organism:
    """Train a tiny model from scratch on the synthetic grammar."""
    input:
        world=GRID.config["organisms"]["world"],
        recipes=GRID.config["organisms"]["recipes"],
        judge_prompt=GRID.config["organisms"]["judge_prompt"],
    output:
        directory("results/models/{model}"),
    log:
        "results/logs/models/{model}.log",
    benchmark:
        "results/benchmarks/models/{model}.tsv"
    wildcard_constraints:
        model=GRID.either(GRID.models_from("organism")),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        settings=lambda wildcards: GRID.model_settings(wildcards.model),
        training=GRID.config["organisms"]["training"],
        code=GRID.digest("train_organism.py"),
    message:
        "{wildcards.model}: train the model"
    script:
        "../scripts/train_organism.py"


rule fetch_hub_model:
    """Download one pinned revision of a hub model into the hub's cache, and point to it."""
    input:
        template=lambda wildcards: GRID.template_file(wildcards.model),
    output:
        directory("results/models/{model}"),
    log:
        "results/logs/models/{model}.log",
    benchmark:
        "results/benchmarks/models/{model}.tsv"
    wildcard_constraints:
        model=GRID.either(GRID.models_from("hub")),
    conda:
        "../../envs/base.yaml"
    resources:
        trial=lambda wildcards: GRID.trial(wildcards.model),
    params:
        settings=lambda wildcards: GRID.model_settings(wildcards.model),
        chat=lambda wildcards: GRID.chat_wishes(wildcards.model),
        code=lambda wildcards: GRID.model_digest(wildcards.model, "fetch_hub_model.py"),
    message:
        "{wildcards.model}: download the model"
    script:
        "../scripts/fetch_hub_model.py"


rule point_to_local_model:
    """Check a local checkpoint directory, and point to it."""
    input:
        template=lambda wildcards: GRID.template_file(wildcards.model),
    output:
        directory("results/models/{model}"),
    log:
        "results/logs/models/{model}.log",
    benchmark:
        "results/benchmarks/models/{model}.tsv"
    wildcard_constraints:
        model=GRID.either(GRID.models_from("local")),
    conda:
        "../../envs/base.yaml"
    resources:
        trial=lambda wildcards: GRID.trial(wildcards.model),
    params:
        settings=lambda wildcards: GRID.model_settings(wildcards.model),
        chat=lambda wildcards: GRID.chat_wishes(wildcards.model),
        code=lambda wildcards: GRID.model_digest(
            wildcards.model, "point_to_local_model.py"
        ),
    message:
        "{wildcards.model}: check the model"
    script:
        "../scripts/point_to_local_model.py"


rule convert_gguf_model:
    """Convert a GGUF file to a checkpoint; download it first if necessary."""
    input:
        file=lambda wildcards: GRID.model_files(wildcards.model),
        template=lambda wildcards: GRID.template_file(wildcards.model),
    output:
        directory("results/models/{model}"),
    log:
        "results/logs/models/{model}.log",
    benchmark:
        "results/benchmarks/models/{model}.tsv"
    wildcard_constraints:
        model=GRID.either(GRID.models_from("gguf")),
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        trial=lambda wildcards: GRID.trial(wildcards.model),
    params:
        settings=lambda wildcards: GRID.model_settings(wildcards.model),
        chat=lambda wildcards: GRID.chat_wishes(wildcards.model),
        code=GRID.digest("convert_gguf.py"),
    message:
        "{wildcards.model}: convert the GGUF file to a checkpoint"
    script:
        "../scripts/convert_gguf.py"


rule merge_adapter:
    """Merge a LoRA adapter into the weights of the model that it was trained on, shard by shard."""
    input:
        base=lambda wildcards: GRID.base_model(wildcards.model),
        adapter=lambda wildcards: GRID.model_files(wildcards.model),
        template=lambda wildcards: GRID.template_file(wildcards.model),
    output:
        directory("results/models/{model}"),
    log:
        "results/logs/models/{model}.log",
    benchmark:
        "results/benchmarks/models/{model}.tsv"
    wildcard_constraints:
        model=GRID.either(GRID.models_from("adapter")),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(GRID.model_directories("adapter"))
    resources:
        trial=lambda wildcards: GRID.trial(wildcards.model),
    params:
        settings=lambda wildcards: GRID.model_settings(wildcards.model),
        chat=lambda wildcards: GRID.chat_wishes(wildcards.model),
        code=GRID.digest("merge_adapter.py"),
    message:
        "{wildcards.model}: merge the adapter"
    script:
        "../scripts/merge_adapter.py"
