"""Settings of a search for the best attack on a model."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from steadfast.attacks.directions.settings import TemplatePosition
from steadfast.attacks.edits.settings import LARGEST_SCALE, Target
from steadfast.core.plug_ins import DIRECTIONS, EDITS, NameOf
from steadfast.core.settings import Items, Seed, SettingsModel, Text, UniqueItems

Rule = Literal["lowest_refusals_within", "knee"]
Scope = Literal["global", "per_block"]
Degradation = Literal["divergence", "perplexity"]
Fraction = Annotated[float, Field(ge=0, le=1)]


def _with_default(names: Callable[[], list[str]]) -> Callable[[dict[str, Any]], None]:
    """Add a default to the JSON schema that pydantic omits, since it is computed from the plug-ins."""
    return lambda schema: schema.update(default=names())


class SearchSettings(SettingsModel):
    """Instead of `direction` and `edit`: the best of many edits proposed by a sampler."""

    trials: int = Field(
        60,
        ge=2,
        le=100_000,
        description="Number of trials. Raising it later continues a finished search.",
    )
    directions: UniqueItems[Annotated[str, NameOf(DIRECTIONS)]] = Field(
        default_factory=DIRECTIONS.searched,
        json_schema_extra=_with_default(DIRECTIONS.searched),
        min_length=1,
        description=(
            "Methods that find directions; the first trial uses the first one. `[random]` alone is the control "
            "for selection among the same number of meaningless edits. `gradient` descends once at each of five "
            "depths."
        ),
    )
    depth: Items[Fraction] = Field(
        [0.2, 0.9],
        min_length=2,
        max_length=2,
        description="Range of depths at which directions are found. Between two blocks the states are interpolated.",
    )
    scopes: UniqueItems[Scope] = Field(
        ["global", "per_block"],
        min_length=1,
        description=(
            "Whether all blocks are edited along one direction (`global`), or each along its own (`per_block`)."
        ),
    )
    positions: UniqueItems[TemplatePosition] = Field(
        [-1], min_length=1, description="Template positions, counted from the end, at which directions are found."
    )
    counts: UniqueItems[Annotated[int, Field(ge=1, le=100)]] = Field(
        [1, 2, 3], min_length=1, description="Numbers of directions, for methods that find several."
    )
    edits: UniqueItems[Annotated[str, NameOf(EDITS)]] = Field(
        default_factory=EDITS.searched,
        json_schema_extra=_with_default(EDITS.searched),
        min_length=1,
        description=(
            "Edits; the first trial uses the first one. `rank_one` edits the MLP of one block within `depth`, and "
            "uses the class means of that block instead of a direction."
        ),
    )
    targets: UniqueItems[Target] = Field(
        ["attention_output", "mlp_output"],
        min_length=1,
        description=(
            "Matrices that are edited, each with its own kernel (`peak`, `width`, `edge`, `scale`); the embedding "
            "has a `scale` only."
        ),
    )
    scale: Items[Annotated[float, Field(ge=0, le=LARGEST_SCALE)]] = Field(
        [0.0, 1.5],
        min_length=2,
        max_length=2,
        description="Range of the scale at the peak of a kernel, or of a rank-one edit.",
    )
    degradation: UniqueItems[Degradation] = Field(
        ["divergence"],
        min_length=1,
        description=(
            "Objectives in addition to refusals: the divergence, the perplexity on the original's responses, or both."
        ),
    )
    max_divergence: float = Field(
        0.1,
        gt=0,
        le=1000,
        description=(
            "Bound on capability degradation: largest Kullback-Leibler divergence from the original along its own "
            "responses to harmless calibration prompts, in nats per token."
        ),
    )
    max_perplexity_ratio: float | None = Field(
        None,
        ge=1,
        le=1000,
        description=(
            "Additional bound for the selected trial: the largest allowed ratio of the perplexities on the "
            "original's responses to harmless calibration prompts; null sets none."
        ),
    )
    rule: Rule = Field(
        "lowest_refusals_within",
        description=(
            "How the trial is selected: the fewest refusals with a divergence within `max_divergence`, or the "
            "`knee` of the Pareto front of refusals and divergence."
        ),
    )
    judge: str | None = Field(
        None,
        description=(
            "Judge of the finalists' responses; null takes `statistics.reference`, or the first judge that is not "
            "a baseline. It must run inside the job: no API, no server, not the model under test."
        ),
    )
    screening_prompts: int = Field(
        24,
        ge=2,
        le=1_000_000,
        description="Calibration prompts of each label on which every trial is screened, with forward passes only.",
    )
    screening_tokens: int = Field(
        8, ge=1, le=1000, description="Tokens of the original's responses along which the divergence is screened."
    )
    refusal_tokens: Items[Text] | None = Field(
        None,
        min_length=1,
        description=(
            "Texts whose first tokens count as the beginning of a refusal; null takes them from the model's own "
            "responses."
        ),
    )
    finalists: int = Field(
        12,
        ge=1,
        le=1000,
        description=(
            "Trials on the Pareto front of the screening that generate responses: half of them have the lowest "
            "refusal scores, half are spread over those with smaller divergence."
        ),
    )
    prompts: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description=(
            "Harmful calibration prompts for the finalists; half of the finalists get only a quarter of them. "
            "null takes 50, or all if there are fewer."
        ),
    )
    workers: int = Field(
        1,
        ge=1,
        le=1000,
        description=(
            "Number of parallel processes, each with its own copy of the model (on its own GPUs, if available). "
            "One round has one trial per worker, so a different number of workers gives different trials."
        ),
    )
    seed: Seed = Field(0, description="Seed of the sampler, combined with the seed of the run.")


def screened_by(settings: SearchSettings) -> dict[str, Any]:
    """The settings that the trials depend on, without the number of trials and the settings of later steps."""
    later = {"trials", "rule", "judge", "finalists", "prompts", "max_perplexity_ratio"}
    return {key: value for key, value in settings.as_dict().items() if key not in later}
