"""Sections `variants` and `sweeps`."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from steadfast.attacks.search.settings import SearchSettings
from steadfast.config.settings.runtime import CheckpointForm
from steadfast.core.plug_ins import DecodingEntry, DirectionEntry, EditEntry, InterventionEntry
from steadfast.core.settings import Label, Name, SettingsModel, UniqueItems, optional

Role = Literal["study", "control"]


class BestAttackOfSettings(SettingsModel):
    """Instead of `direction` and `edit`, the best attack of some sweeps."""

    sweeps: UniqueItems[str] = Field(
        min_length=1, description="Entries of `sweeps` with `edits`, from which the best attack is selected."
    )
    judge: str | None = Field(
        None,
        description=(
            "Judge that selects; null takes `statistics.reference`, or the first judge that is not a baseline. It "
            "must read responses, and cannot be the model under test."
        ),
    )
    prompts: int | None = Field(
        None,
        ge=1,
        le=1000000,
        description=(
            "Number of harmful calibration prompts (in random order) on which every attack is evaluated; null "
            "takes 50, or all if there are fewer."
        ),
    )


class VariantSettings(SettingsModel):
    """What is done to a model."""

    renamed: ClassVar[Mapping[str, str]] = {"hook": "intervention", "strongest_of": "best_attack_of"}

    label: Label | None = optional(description="Name in tables and figures, one line without markup.")
    role: Role = Field(
        "study",
        description=(
            "`control` marks a variant that checks the method: it is shown in the tables and in the figure of "
            "controls, but not in the study's three figures."
        ),
    )
    direction: DirectionEntry | None = optional(description="How the direction is found.")
    edit: EditEntry | None = optional(description="The edit of the weights along the direction.")
    intervention: InterventionEntry | None = optional(
        description=(
            "Inference-time intervention, instead of an edit; with the transformers engine only. Such a variant "
            "has no checkpoint."
        )
    )
    decoding: DecodingEntry | None = optional(
        description=(
            "Decoding rule, alone or after an `edit`; with every engine. Such a variant has no checkpoint, and a "
            "judge that runs on the model–variant pair judges without the rule."
        )
    )
    models: UniqueItems[str] | None = optional(
        description="Models that this variant applies to; all by default.", min_length=1
    )
    match_change: str | None = optional(
        description=(
            "Another variant with an edit: the edit is scaled so that it changes the weights by the same amount "
            "(‖W′ − W‖ over all edited tensors). For controls of the size of a change."
        )
    )
    checkpoints: CheckpointForm | None = optional(
        description="How edited models of this variant are stored; overrides `runtime.checkpoints`."
    )
    best_attack_of: BestAttackOfSettings | None = optional(
        description=(
            "Instead of `direction` and `edit`: for each model the attack of the given sweeps with the fewest "
            "refusals of harmful calibration prompts. Attacks whose edit is ineffective or degrades the model are "
            "excluded, and so are interventions, which cannot be baked."
        )
    )
    search: SearchSettings | None = optional(
        description=(
            "Instead of `direction` and `edit`: the best of many edits of each model, proposed by a "
            "multi-objective sampler. `search: {trials: 60}` suffices. Trials use calibration prompts; the "
            "selected edit is then evaluated like that of any other variant."
        )
    )


class SweepSettings(SettingsModel):
    """A family of attacks: every direction with every edit and intervention at every scale."""

    renamed: ClassVar[Mapping[str, str]] = {"hooks": "interventions", "strengths": "scales"}

    directions: Annotated[dict[Name, DirectionEntry], Field(min_length=1)] = Field(
        description="Directions, by name; each as `direction` of a variant."
    )
    edits: dict[Name, EditEntry] = Field({}, description="Edits, by name; each as `edit` of a variant.")
    interventions: dict[Name, InterventionEntry] = Field(
        {}, description="Inference-time interventions, by name; each as `intervention` of a variant."
    )
    scales: UniqueItems[Annotated[float, Field(gt=0, le=1000)]] = Field(
        min_length=1, description=("Factors that the `scale` of every edit (the `alpha` of steering) is multiplied by.")
    )
    role: Role = Field("study", description="Role of its variants; `control` for random directions.")
    checkpoints: CheckpointForm | None = optional(
        description="How edited models of its variants are stored; overrides `runtime.checkpoints`."
    )
