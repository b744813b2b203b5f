"""Sections `report`, `export` and `annotation`."""

from typing import Literal

from pydantic import Field

from steadfast.core.settings import ExistingFile, Items, Label, SettingsModel


class ReportSettings(SettingsModel):
    """The page `results/report.html`."""

    responses: Literal["auto", "none", "collapsed", "full"] = Field(
        "auto",
        description=(
            "How much of the responses the page holds: `none`, all of them with the answers to harmful prompts "
            "covered until somebody asks for them (`collapsed`), or all of them open (`full`). `auto` is "
            "`collapsed` where all models are trained by the workflow, and `none` for real ones."
        ),
    )


class ExportSettings(SettingsModel):
    """What `snakemake export` writes for other tools: logs of Inspect, a data set folder, sections of model cards."""

    responses: Literal["harmless", "all", "none"] = Field(
        "harmless", description="The responses that are exported: by default those to harmful prompts are left out."
    )


class AnnotationSettings(SettingsModel):
    """The blind annotation page that `snakemake annotation_page` writes."""

    mode: Literal["human_subset", "sampled"] = Field(
        "human_subset",
        description=(
            "Which responses people label: those to the human subset of the prompts, or a sample stratified by "
            "model, variant, class and disagreement of the judges."
        ),
    )
    size: int = Field(200, ge=1, le=1000000, description="Responses to draw, with `sampled`.")
    samples: int | None = Field(
        1,
        ge=1,
        le=1000,
        description="Samples per prompt and variant that can be chosen, the lowest numbers first; null means all.",
    )
    definition: ExistingFile = Field("resources/annotation/refusal.yaml", description="What annotators label by.")
    annotators: Items[Label] = Field([], description="Names that the page proposes.")
