"""Sections `report`, `export` and `annotation`."""

from typing import Literal

from pydantic import Field

from steadfast.core.settings import ExistingFile, Items, Label, SettingsModel


class ReportSettings(SettingsModel):
    """The page `results/report.html`."""

    responses: Literal["auto", "none", "collapsed", "full"] = Field(
        "auto",
        description=(
            "Which responses the page contains: `none`, all with those to harmful prompts hidden until they are "
            "opened (`collapsed`), or all of them expanded (`full`). `auto` is `collapsed` if the workflow trains "
            "all models, and `none` otherwise."
        ),
    )


class ExportSettings(SettingsModel):
    """What `snakemake export` writes for other tools: logs of Inspect, a data set folder, sections of model cards."""

    responses: Literal["harmless", "all", "none"] = Field(
        "harmless", description="Which responses are exported; by default those to harmful prompts are omitted."
    )


class AnnotationSettings(SettingsModel):
    """The blind annotation page that `snakemake annotation_page` writes."""

    mode: Literal["human_subset", "sampled"] = Field(
        "human_subset",
        description=(
            "Which responses are annotated: those to the human subset of the prompts, or a sample stratified by "
            "model, variant, prompt label and disagreement of the judges."
        ),
    )
    size: int = Field(200, ge=1, le=1000000, description="Responses to draw, with `sampled`.")
    samples: int | None = Field(
        1,
        ge=1,
        le=1000,
        description="Samples per prompt and variant that can be selected, the first ones; null for all.",
    )
    definition: ExistingFile = Field(
        "resources/annotation/refusal.yaml", description=("Definition that the annotators apply.")
    )
    annotators: Items[Label] = Field([], description="Annotator names that the page suggests.")
