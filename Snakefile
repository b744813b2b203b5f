"""Steadfast: does safety training survive abliteration, and can the judge that says so be trusted?

                                 ┌─ for each model ──────────────────────────────────┐
    prompts ──┬─────────────────►│ activations ─► direction ─► checkpoint (edited)    │
              │        models ──►│      │                         │                   │
              │                  └──────│─────────────────────────│───────────────────┘
              └─────────────────────────┴──► responses ◄──────────┘   model × variant
                                                │
                            judge files ──► judgments                 model × variant × judge
                                                │
   verdicts ─► counts, agreement, robustness, side effects ─► assessment, figures ─► summary, report

Every stage is one file in workflow/rules/, every rule runs one thin script of workflow/scripts/, and all
logic is in the package workflow/scripts/steadfast/. config/README.md explains every key of the configuration.
"""

from snakemake.utils import min_version

min_version("9.0")


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/prompts.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/safety_tuning.smk"
include: "workflow/rules/directions.smk"
include: "workflow/rules/checkpoints.smk"
include: "workflow/rules/edit_export.smk"
include: "workflow/rules/responses.smk"
include: "workflow/rules/imported_responses.smk"
include: "workflow/rules/attack_selection.smk"
include: "workflow/rules/attack_search.smk"
include: "workflow/rules/judgments.smk"
include: "workflow/rules/ensembles.smk"
include: "workflow/rules/prompt_versions.smk"
include: "workflow/rules/annotation.smk"
include: "workflow/rules/plan.smk"
include: "workflow/rules/statistics.smk"
include: "workflow/rules/replicates.smk"
include: "workflow/rules/side_effects.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/outcomes.smk"
include: "workflow/rules/self_evaluation.smk"
include: "workflow/rules/counts_tables.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/export.smk"
include: "workflow/rules/run_comparison.smk"


rule all:
    """The study's tables and figures, and those of every external counts table."""
    default_target: True
    input:
        RESULTS.all,


rule train_adapters:
    """The safety-tuning adapters of all recipes with all seeds; only on request, since it takes hours."""
    input:
        TUNING.adapters,
