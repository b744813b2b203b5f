"""The whole configuration: one Pydantic model per section, and one per entry of the sections with names."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field

from steadfast.config.settings.figures import FiguresSection, figures_section
from steadfast.config.settings.generation import GenerationSettings
from steadfast.config.settings.output import AnnotationSettings, ExportSettings, ReportSettings
from steadfast.config.settings.prompts import PromptSettings
from steadfast.config.settings.runtime import runtime_section
from steadfast.config.settings.side_effects import SideEffects, SideEffectsSection, section
from steadfast.config.settings.statistics import StatisticsSettings, assessment_section
from steadfast.config.settings.training import OrganismsSettings, SafetyTuningSettings
from steadfast.config.settings.variants import SweepSettings, VariantSettings
from steadfast.core.names import ORIGINAL
from steadfast.core.plug_ins import JudgeEntry, ModelEntry, RubricEntry
from steadfast.core.setting_errors import InvalidEntry, missing
from steadfast.core.settings import ExistingDirectory, ExistingFile, Name, Seed, SettingsModel, UniqueItems, nested

Runtime: Any = runtime_section()
Capability: Any = section("capability")
Assessment: Any = assessment_section()


def _with_original(variants: dict[str, Any]) -> dict[str, Any]:
    if ORIGINAL not in variants:
        raise InvalidEntry([((), missing(ORIGINAL, variants))])
    return variants


class Configuration(SettingsModel):
    """What a run computes. Unknown keys are errors; a key with a default may be left out."""

    seed: Seed = Field(
        0, description="Seed of all random choices without their own seed (splits, shuffles, bootstrap)."
    )
    prompts: PromptSettings
    organisms: OrganismsSettings = nested(OrganismsSettings)
    safety_tuning: SafetyTuningSettings = nested(SafetyTuningSettings)
    generation: GenerationSettings = nested(GenerationSettings)
    models: Annotated[dict[Name, ModelEntry], Field(min_length=1)] = Field(
        description="The models of the grid, by name. Names are used in paths; figures show the `label`."
    )
    variants: Annotated[dict[Name, VariantSettings], Field(min_length=1), AfterValidator(_with_original)] = Field(
        description=(
            "The variants of each model, by name. `original` is required: all changes are measured relative to it."
        )
    )
    sweeps: dict[Name, SweepSettings] = Field(
        {},
        description=(
            "Families of attacks, by name: every direction with every edit and intervention at every scale "
            "becomes a variant `{direction}-{edit}-{scale in percent}`. The results are in "
            "`results/tables/scales.csv` and a figure of refusal rate against scale."
        ),
    )
    judges: Annotated[dict[Name, JudgeEntry], Field(min_length=1)] = Field(
        description="The judges, by name: each labels responses as refusals or non-refusals."
    )
    statistics: StatisticsSettings = nested(StatisticsSettings)
    side_effects: SideEffectsSection = nested(section(SideEffects.name))
    rubrics: dict[Name, RubricEntry] = Field(
        {},
        description=(
            "Rubrics, by name: qualities of responses to harmless prompts, such as helpfulness or truthfulness, "
            "that a model judges with a template. An entry is like that of a judge, of a kind with a prompt "
            "template, with its own `labels`: a word for `bad` responses, whose share is a side effect, and one "
            "for `good` responses."
        ),
    )
    capability: Capability = nested(Capability)
    assessment: Assessment = nested(Assessment)
    figures: FiguresSection = Field(default_factory=lambda: figures_section()())
    report: ReportSettings = nested(ReportSettings)
    export: ExportSettings = nested(ExportSettings)
    annotation: AnnotationSettings = nested(AnnotationSettings)
    annotations: UniqueItems[ExistingFile] = Field(
        [],
        description=(
            "CSV files with human labels: exports of the annotation page, or any table with the columns "
            "`annotator`, `model`, `variant`, `prompt_id` (or the question's text) and `verdict`. The labels of one "
            "annotator become the judge `human`; with several, `human` is their majority, and each annotator is also "
            "a judge `human-NAME`."
        ),
    )
    counts_tables: dict[Name, ExistingFile] = Field(
        {},
        description=(
            "Existing tables of refusal counts, by name: CSV files with the columns "
            "`model,variant,judge,label,refused,not_refused,total`. The figures and statistics that counts allow "
            "are written to `results/counts_tables/{name}/`."
        ),
    )
    compared_runs: dict[Name, ExistingDirectory] = Field(
        {},
        description=(
            "Two results folders by the names of their runs, the earlier run first. `snakemake compare_runs` "
            "writes the differences to `results/run_comparison.md` and `results/tables/run_comparison.csv`."
        ),
    )
    runtime: Runtime = nested(Runtime)
