"""Settings that direction methods share."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from steadfast.core.settings import Items, SettingsModel, Text, optional

BlockIndex = Annotated[int, Field(ge=-1000, le=999)]
DepthFraction = Annotated[float, Field(gt=0, lt=1)]
TemplatePosition = Annotated[int, Field(ge=-64, le=-1)]


BEHAVIOR = "behavior"
FINAL_NORM = "final_norm"


class CausalSettings(SettingsModel):
    """How a layer of `causal` scores and drops candidates (Arditi et al. 2024)."""

    max_divergence: float = Field(
        0.1,
        gt=0,
        le=1000,
        description=(
            "Largest mean Kullback-Leibler divergence of the next-token distribution on harmless prompts under "
            "ablation, in nats."
        ),
    )
    min_induce: float = Field(
        0.0,
        ge=-1000,
        le=1000,
        description="Minimum refusal score (mean log odds) on harmless prompts when the direction is added.",
    )
    max_depth: float = Field(
        0.8, gt=0, le=1, description="Candidates at or above this fraction of the depth are excluded."
    )
    prompts: int = Field(
        32, ge=1, le=1000000, description="Held-out calibration prompts per label on which candidates are scored."
    )
    refusal_tokens: Items[Text] | None = Field(
        None,
        min_length=1,
        description=(
            "Texts whose first tokens count as the beginning of a refusal; null takes them from the model's own "
            "responses."
        ),
    )


class DirectionSettings(SettingsModel):
    """Settings of every method.

    Attributes:
        contrasts: whether it contrasts two groups of prompts, so that their mean activations are available.
        is_meaningless: whether its directions carry no information about the model, so it serves as a control.
        search_rank: position among the methods that a search tries by default, from 1; None if it must be named.
    """

    contrasts: ClassVar[bool] = False
    is_meaningless: ClassVar[bool] = False
    search_rank: ClassVar[int | None] = None


class ContrastSettings(DirectionSettings):
    """Settings of a method that contrasts two groups of prompts."""

    contrasts: ClassVar[bool] = True

    layer: BlockIndex | DepthFraction | Literal["auto", "separation", "causal", "final_norm"] = Field(
        "auto",
        description=(
            "Block whose output is used: an index (0 is the first block), a fraction of the depth (decimal, "
            "rounded down), `auto` or `separation` (largest class separation on held-out calibration prompts), "
            "`causal` (effect of the direction on the model; see `causal`) or `final_norm` (the state after the "
            "final norm)."
        ),
    )
    position: TemplatePosition | Literal["auto"] = Field(
        -1,
        description=(
            "Template position, counted from the end; -1 is the last token before the response. `auto` tries all."
        ),
    )
    resamples: int = Field(
        100,
        ge=0,
        le=100000,
        description="Bootstrap resamples of the prompts for the stability (cosine) of the direction; 0 for none.",
    )
    causal: CausalSettings | None = optional(
        description="How `layer: causal` scores and excludes candidates (Arditi et al. 2024)."
    )
    contrast: Literal["label", "behavior"] = Field(
        "label",
        description=(
            "Which prompts are contrasted: harmful and harmless ones (`label`), or those that the original model "
            "refused and those that it answered (`behavior`), according to `judge`."
        ),
    )
    judge: str | None = optional(
        description=(
            "Judge that labels the original model's responses to the calibration prompts; for `contrast: behavior`."
        )
    )


class PlacedSettings(DirectionSettings):
    """Settings of a method whose directions do not belong to a block."""

    layer: BlockIndex | DepthFraction | None = Field(
        None,
        description=(
            "Block that the direction belongs to, for edits and interventions that need class means; null if not "
            "needed."
        ),
    )
    position: TemplatePosition = Field(
        -1, ge=-64, le=-1, description="Template position at which class means are taken."
    )
