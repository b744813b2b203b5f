"""Gates of the edits, and controls."""

from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, dots, prose, table
from steadfast.report.sections._section import HOOK_COLUMNS, PROMPTS, REFUSED, Section, pair_columns, scored_by
from steadfast.report.sections.changes import models_by_refusals, rates
from steadfast.report.study import Study


def build(study: Study) -> list[Block]:
    """Edits beside controls, and what they did to the weights."""
    blocks = [
        prose(
            "A model that still refuses after an edit may be robust, or the edit may have missed. Every edit is",
            "verified tensor by tensor and compared with the same edit along a random direction (control).",
        )
    ]
    if study.controls:
        blocks.append(_chart(study))
    gates = table("edits", "Gates of each edit", study.tables["edits"], _columns(study), source=paths.table("edits"))
    return [*blocks, gates]


def _chart(study: Study) -> Block:
    """Refusals after every edit and control, by model."""
    robustness = study.tables["robustness"]
    judges = study.judge_choices()
    return {
        **dots(
            "controls",
            "Edits and controls",
            rows=[study.labels.model(model) for model in models_by_refusals(study)],
            series=[study.labels.variant(variant) for variant in study.variants],
            panels=list(PROMPTS.values()),
            values={judge: rates(study, robustness[robustness["judge"] == judge], study.variants) for judge in judges},
            options={"Judge": judges},
            unit="share",
            domain=(0.0, 1.0),
            axis=REFUSED,
            note=f"Share of the scored responses that were refused, with {study.inference.confidence:.0%} "
            "intervals (Wilson). Controls are edits along random directions.",
            n=scored_by(study),
            pdf="controls",
        ),
        "asides": True,
    }


def _columns(study: Study) -> list[Column]:
    """Columns of the table of gates."""
    return [
        *pair_columns(study),
        Column("effective", "Passed all gates", "flag"),
        Column("gate", "Failed gate", "name"),
        Column(
            "stability",
            "Stability",
            "number",
            help="Median cosine with the directions of resampled prompts.",
            detail=True,
        ),
        Column(
            "same_place",
            "Same location",
            "share",
            help="Share of resamples that select the same layer and position.",
            detail=True,
        ),
        Column("modules", "Modules", "count", detail=True),
        Column(
            "worst_deviation",
            "Worst deviation",
            "number",
            help="‖after − target‖/‖target − before‖ of a matrix’s projection on the direction: 0 matches the "
            "target, 1 is unedited.",
        ),
        Column("change_norm", "Change of the weights", "number", help="Frobenius norm of W′ − W."),
        Column(
            "verified",
            "Edit verified",
            "name",
            help="Whether every edited module applies the edit and the checkpoint matches the original with "
            "hooks. No power: the change is too small to detect a missed edit. Empty: the edit has no "
            "run-time form, or was not measured.",
        ),
        Column("modules_checked", "Modules checked", "count", detail=True),
        Column(
            "module_deviation",
            "Module deviation",
            "number",
            help="Deviation of the worst module from the target change, in multiples of its bound; above 1 fails.",
            detail=True,
        ),
        *HOOK_COLUMNS,
        Column(
            "response_share",
            "Responses confirmed",
            "share",
            help="Share of the response tokens that the weights find most likely; below 90% fails.",
        ),
        Column("reason", "Reason", "text", detail=True),
        Column("remedy", "Remedy", "text", detail=True),
    ]


SECTION = Section("controls", "Controls", ("edits", "robustness"), build)
