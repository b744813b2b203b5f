"""Models: trained here, fetched from the hub, pointed to on this machine, written out from GGUF files, or merged.

Produces results/models/{model}/, a checkpoint or a pointer to one (model.json).
"""

from steadfast.grid.models import ModelDirectoryJobs

MODELS = ModelDirectoryJobs(GRID)


rule train_organism:
    """Train a tiny model from scratch on the synthetic grammar."""
    input:
        world=GRID.config["organisms"]["world"],
        recipes=GRID.config["organisms"]["recipes"],
        judge_prompt=GRID.config["organisms"]["judge_prompt"],
    output:
        directory(paths.MODEL),
    log:
        paths.log("models/{model}"),
    benchmark:
        paths.benchmark("models/{model}")
    wildcard_constraints:
        model=either(MODELS.from_source("organism")),
    conda:
        "../../envs/base.yaml"
    threads: 1
    params:
        settings=MODELS.settings,
        training=GRID.config["organisms"]["training"],
        code=digest("train_organism.py"),
    message:
        "{wildcards.model}: train the model"
    script:
        "../scripts/train_organism.py"


rule fetch_hub_model:
    """Download one pinned revision of a hub model into the hub's cache, and point to it."""
    input:
        template=MODELS.template,
    output:
        directory(paths.MODEL),
    log:
        paths.log("models/{model}"),
    benchmark:
        paths.benchmark("models/{model}")
    wildcard_constraints:
        model=either(MODELS.from_source("hub")),
    conda:
        "../../envs/base.yaml"
    resources:
        trial=MODELS.trial,
    params:
        settings=MODELS.settings,
        chat=MODELS.chat,
        code=MODELS.fetching_digest,
    message:
        "{wildcards.model}: download the model"
    script:
        "../scripts/fetch_hub_model.py"


rule point_to_local_model:
    """Check a local checkpoint directory, and point to it."""
    input:
        template=MODELS.template,
    output:
        directory(paths.MODEL),
    log:
        paths.log("models/{model}"),
    benchmark:
        paths.benchmark("models/{model}")
    wildcard_constraints:
        model=either(MODELS.from_source("local")),
    conda:
        "../../envs/base.yaml"
    resources:
        trial=MODELS.trial,
    params:
        settings=MODELS.settings,
        chat=MODELS.chat,
        code=MODELS.pointing_digest,
    message:
        "{wildcards.model}: check the model"
    script:
        "../scripts/point_to_local_model.py"


rule locate_model:
    """Get a model from a source that a plug-in adds, and point to it."""
    input:
        file=MODELS.files,
        template=MODELS.template,
    output:
        directory(paths.MODEL),
    log:
        paths.log("models/{model}"),
    benchmark:
        paths.benchmark("models/{model}")
    wildcard_constraints:
        model=either(MODELS.from_plug_ins()),
    conda:
        "../../envs/base.yaml"
    resources:
        trial=MODELS.trial,
    params:
        settings=MODELS.settings,
        chat=MODELS.chat,
        code=MODELS.plug_in_digest,
    message:
        "{wildcards.model}: get the model"
    script:
        "../scripts/locate_model.py"


rule convert_gguf_model:
    """Convert a GGUF file to a checkpoint; download it first if necessary."""
    input:
        file=MODELS.files,
        template=MODELS.template,
    output:
        directory(paths.MODEL),
    log:
        paths.log("models/{model}"),
    benchmark:
        paths.benchmark("models/{model}")
    wildcard_constraints:
        model=either(MODELS.from_source("gguf")),
    conda:
        "../../envs/base.yaml"
    threads: 1
    resources:
        trial=MODELS.trial,
    params:
        settings=MODELS.settings,
        chat=MODELS.chat,
        code=digest("convert_gguf.py"),
    message:
        "{wildcards.model}: convert the GGUF file to a checkpoint"
    script:
        "../scripts/convert_gguf.py"


rule merge_adapter:
    """Merge a LoRA adapter into the weights of the model that it was trained on, shard by shard."""
    input:
        base=MODELS.base,
        adapter=MODELS.files,
        template=MODELS.template,
    output:
        directory(paths.MODEL),
    log:
        paths.log("models/{model}"),
    benchmark:
        paths.benchmark("models/{model}")
    wildcard_constraints:
        model=either(MODELS.from_source("adapter")),
    conda:
        "../../envs/base.yaml"
    threads: THREADS.by_model(expand(paths.MODEL, model=MODELS.from_source("adapter")))
    resources:
        trial=MODELS.trial,
    params:
        settings=MODELS.settings,
        chat=MODELS.chat,
        code=digest("merge_adapter.py"),
    message:
        "{wildcards.model}: merge the adapter"
    script:
        "../scripts/merge_adapter.py"
