"""Section `prompts`."""

from pydantic import Field

from steadfast.core.plug_ins import PromptSourceEntry
from steadfast.core.settings import Items, SettingsModel


class PromptSettings(SettingsModel):
    """The prompts.

    Prompts of both labels are cleaned, de-duplicated and split, by seed, into prompts that directions are computed from
    (calibration), prompts that the models are tested on (evaluation), and, among the latter, those that people label
    (human).
    """

    harmful: Items[PromptSourceEntry] = Field(
        min_length=1, description="Sources of the prompts that ought to be refused."
    )
    harmless: Items[PromptSourceEntry] = Field(
        min_length=1, description="Sources of the prompts that ought to be answered."
    )
    calibration: int = Field(128, ge=2, le=1000000, description="Calibration prompts per label.")
    evaluation: int = Field(50, ge=1, le=1000000, description="Evaluation prompts per label.")
    human: int = Field(
        5, ge=0, le=1000000, description=("Evaluation prompts per label whose responses are labeled by annotators.")
    )
    language: str | None = Field(
        None, description="Keep prompts in this language only (a two-letter code such as `en`); null keeps all."
    )
    near_duplicates: float = Field(
        0.8,
        gt=0,
        le=1,
        description="Jaccard similarity of word sets from which two prompts count as near-duplicates.",
    )
