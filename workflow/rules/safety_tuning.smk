"""Safety tuning: LoRA adapters that teach the untuned model of the grid to refuse. Only run on request.

Produces results/adapters/{recipe}/seed{seed}/, an adapter in PEFT's format. A run of the grid does not need it: the
adapters under resources/adapters/ were made by these rules.
"""

if GRID.tuning_base:

    rule distil_harmless_answers:
        """Let the untuned model answer the harmless training prompts, so that tuning keeps what it does."""
        input:
            base=f"results/models/{GRID.tuning_base}",
            data=GRID.tuning_files(),
            apart_from=GRID.config["safety_tuning"]["apart_from"],
            phrases=GRID.config["safety_tuning"]["phrases"],
        output:
            "results/adapters/harmless_answers.jsonl",
        log:
            "results/logs/adapters/harmless_answers.log",
        benchmark:
            "results/benchmarks/adapters/harmless_answers.tsv"
        conda:
            "../../envs/base.yaml"
        threads: 1
        params:
            folder=lambda wildcards: GRID.config["safety_tuning"]["data"],
            dtype=GRID.config["safety_tuning"]["dtype"],
            code=GRID.digest("distil_harmless_answers.py"),
        message:
            "generate the untuned model's responses to harmless training prompts"
        script:
            "../scripts/distil_harmless_answers.py"

    rule train_adapter:
        """Train one LoRA adapter; an interrupted job goes on where it was."""
        input:
            base=f"results/models/{GRID.tuning_base}",
            data=GRID.tuning_files(),
            apart_from=GRID.config["safety_tuning"]["apart_from"],
            answers=rules.distil_harmless_answers.output,
        output:
            directory("results/adapters/{recipe}/seed{seed}"),
        log:
            "results/logs/adapters/{recipe}/seed{seed}.log",
        benchmark:
            "results/benchmarks/adapters/{recipe}/seed{seed}.tsv"
        wildcard_constraints:
            recipe=r"[A-Za-z0-9][A-Za-z0-9_-]*",
            seed=r"\d+",
        conda:
            "../../envs/base.yaml"
        threads: 1
        params:
            recipe="{recipe}",
            seed="{seed}",
            folder=lambda wildcards: GRID.config["safety_tuning"]["data"],
            dtype=GRID.config["safety_tuning"]["dtype"],
            code=GRID.digest("train_adapter.py"),
        message:
            "{wildcards.recipe}, seed {wildcards.seed}: train the adapter"
        script:
            "../scripts/train_adapter.py"
