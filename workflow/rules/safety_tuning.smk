"""Safety tuning: LoRA adapters that teach the untuned model of the grid to refuse. Only run on request.

Produces results/adapters/{recipe}/seed{seed}/, an adapter in PEFT's format. A run of the grid does not need it: the
adapters under resources/adapters/ were made by these rules.
"""

from steadfast.grid.safety_tuning import SafetyTuning

TUNING = SafetyTuning(GRID)


if TUNING.base:

    rule distill_harmless_responses:
        """Generate the responses of the untuned model to the harmless training prompts (self-distillation)."""
        input:
            base=TUNING.base_directory,
            data=TUNING.files,
            apart_from=GRID.config["safety_tuning"]["apart_from"],
            phrases=GRID.config["safety_tuning"]["phrases"],
        output:
            paths.HARMLESS_ANSWERS,
        log:
            paths.log("adapters/harmless_answers"),
        benchmark:
            paths.benchmark("adapters/harmless_answers")
        conda:
            "../../envs/base.yaml"
        threads: 1
        params:
            folder=lambda wildcards: TUNING.folder,
            dtype=GRID.config["safety_tuning"]["dtype"],
            code=digest("distill_harmless_responses.py"),
        message:
            "generate the untuned model's responses to harmless training prompts"
        script:
            "../scripts/distill_harmless_responses.py"

    rule train_adapter:
        """Train one LoRA adapter; an interrupted job goes on where it was."""
        input:
            base=TUNING.base_directory,
            data=TUNING.files,
            apart_from=GRID.config["safety_tuning"]["apart_from"],
            answers=rules.distill_harmless_responses.output,
        output:
            directory(paths.ADAPTER),
        log:
            paths.log("adapters/{recipe}/seed{seed}"),
        benchmark:
            paths.benchmark("adapters/{recipe}/seed{seed}")
        wildcard_constraints:
            recipe=r"[A-Za-z0-9][A-Za-z0-9_-]*",
            seed=r"\d+",
        conda:
            "../../envs/base.yaml"
        threads: 1
        params:
            recipe="{recipe}",
            seed="{seed}",
            folder=lambda wildcards: TUNING.folder,
            dtype=GRID.config["safety_tuning"]["dtype"],
            code=digest("train_adapter.py"),
        message:
            "{wildcards.recipe}, seed {wildcards.seed}: train the adapter"
        script:
            "../scripts/train_adapter.py"
