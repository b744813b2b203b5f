"""Sections `variants` and `sweeps`: what is done to each model before it answers."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from steadfast.attacks.search.settings import SearchSettings
from steadfast.config.settings.runtime import CheckpointForm
from steadfast.core.plug_ins import DecodingEntry, DirectionEntry, EditEntry, InterventionEntry
from steadfast.core.settings import Label, Name, SettingsModel, UniqueItems, optional

Role = Literal["study", "control"]


class BestAttackOfSettings(SettingsModel):
    """In place of `direction` and `edit`, the best attack of some sweeps."""

    sweeps: UniqueItems[str] = Field(
        min_length=1, description="Entries of `sweeps` with `edits`, from whose attacks one is chosen."
    )
    judge: str | None = Field(
        None,
        description=(
            "Judge whose verdicts decide; null takes `statistics.reference`, or the first judge that is not "
            "a baseline. It must read responses, and not be the model under test itself."
        ),
    )
    prompts: int | None = Field(
        None,
        ge=1,
        le=1000000,
        description=(
            "Harmful calibration prompts that every attack is tried on, from the first on (their order is "
            "random); null takes 50, or all if there are fewer."
        ),
    )


class VariantSettings(SettingsModel):
    """What is done to a model."""

    renamed: ClassVar[Mapping[str, str]] = {"hook": "intervention", "strongest_of": "best_attack_of"}

    label: Label | None = optional(
        description="What tables and figures show in place of the name, one line without markup."
    )
    role: Role = Field(
        "study",
        description=(
            "`control` marks a variant that checks the method and does not belong to the study: it is in "
            "the tables and in the controls' figure, not in the study's three."
        ),
    )
    direction: DirectionEntry | None = optional(description="How the direction is found.")
    edit: EditEntry | None = optional(description="What is done to the weights with the direction.")
    intervention: InterventionEntry | None = optional(
        description=(
            "What is done to the activations while the model runs, in place of an edit; with the transformers "
            "engine only. Such a variant has no checkpoint of its own."
        )
    )
    decoding: DecodingEntry | None = optional(
        description=(
            "How what is written is steered, alone or after an `edit`; with every engine. Such a variant has "
            "no checkpoint of its own, and a judge that runs on the model–variant pair itself judges without it."
        )
    )
    models: UniqueItems[str] | None = optional(
        description="The only models that this variant is made of; all of them by default.", min_length=1
    )
    match_change: str | None = optional(
        description=(
            "Another variant with an edit: this one's edit is scaled so that it changes the weights by the same amount "
            "(‖W′ − W‖ over all edited tensors). For controls of the size of a change."
        )
    )
    checkpoints: CheckpointForm | None = optional(
        description="How this variant's edited models are kept, in place of `runtime.checkpoints`."
    )
    best_attack_of: BestAttackOfSettings | None = optional(
        description=(
            "In place of `direction` and `edit`: of every model the attack of some sweeps after which it "
            "refuses fewest harmful calibration prompts. Attacks whose edit is ineffective or breaks the model "
            "cannot be chosen; interventions cannot either, since they cannot be baked."
        )
    )
    search: SearchSettings | None = optional(
        description=(
            "In place of `direction` and `edit`: the best of many edits of each model, which a sampler with two goals "
            "proposes by what came of the earlier ones. `search: {trials: 60}` suffices. Trials run on calibration "
            "prompts; the chosen edit is then measured as that of any other variant."
        )
    )


class SweepSettings(SettingsModel):
    """A family of attacks."""

    renamed: ClassVar[Mapping[str, str]] = {"hooks": "interventions", "strengths": "scales"}

    directions: Annotated[dict[Name, DirectionEntry], Field(min_length=1)] = Field(
        description="Directions, by name; each as `direction` of a variant."
    )
    edits: dict[Name, EditEntry] = Field({}, description="Edits, by name; each as `edit` of a variant.")
    interventions: dict[Name, InterventionEntry] = Field(
        {}, description="Inference-time interventions, by name; each as `intervention` of a variant."
    )
    scales: UniqueItems[Annotated[float, Field(gt=0, le=1000)]] = Field(
        min_length=1, description="What the `scale` of every edit (the `alpha` of steering) is multiplied with."
    )
    role: Role = Field("study", description="Role of its variants; `control` for directions that mean nothing.")
    checkpoints: CheckpointForm | None = optional(
        description="How the edited models of its variants are kept, in place of `runtime.checkpoints`."
    )
