"""Sections `organisms` and `safety_tuning`: models that the workflow trains."""

from typing import Literal

from pydantic import Field

from steadfast.core.settings import ExistingDirectory, ExistingFile, Seed, SettingsModel, UniqueItems, nested
from steadfast.models.organism_settings import OrganismSettings


class OrganismsSettings(SettingsModel):
    """How the tiny models (`source: organism`) are trained. Smaller numbers train faster and worse."""

    world: ExistingFile = Field("resources/organisms/world.yaml", description="The grammar's word lists.")
    recipes: ExistingFile = Field("resources/organisms/recipes.yaml", description="The corpus mixes.")
    judge_prompt: ExistingFile = Field(
        "resources/prompts/judges/organism_labels.md",
        description=(
            "Template of the judge prompts that the `judge` recipe, and a share of the other recipes' chats, "
            "are trained on."
        ),
    )
    training: OrganismSettings = nested(OrganismSettings, description="Sizes and hyperparameters of the training.")


class SafetyTuningSettings(SettingsModel):
    """How the LoRA adapters of a real model family are trained.

    Only `snakemake train_adapters` reads this; a run of the grid uses the adapters that are shipped under
    `resources/adapters/`.
    """

    base: str | None = Field(
        None,
        description=(
            "The untuned model of the grid that the adapters are trained on; null takes the model `raw` if there "
            "is one."
        ),
    )
    data: ExistingDirectory = Field(
        "resources/safety_tuning",
        description=(
            "Folder of the training data: `recipes.yaml`, `harmful.yaml`, `over_refusal.yaml`, `plain.yaml`, "
            "`framings.yaml` and `answers.yaml`."
        ),
    )
    apart_from: UniqueItems[ExistingFile] = Field(
        ["resources/prompts/harmful.csv", "resources/prompts/harmless.csv"],
        description=(
            "Prompt files (CSV with a column `text`) to exclude from training: no near-duplicate and no "
            "paraphrase of their prompts is trained on."
        ),
    )
    phrases: ExistingFile = Field(
        "resources/prompts/judges/refusal_phrases.yaml",
        description="Phrase list; responses that match it are not used as responses to harmless prompts.",
    )
    seeds: UniqueItems[Seed] = Field(
        [0, 1, 2],
        min_length=1,
        description="Seeds of the LoRA matrices and of the order of the examples; an adapter is trained with each.",
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "bfloat16",
        description="Number format of the base and of the arithmetic while training; the LoRA matrices are float32.",
    )
