"""Did the edit hit, and does a meaningless one do nothing?"""

from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, dots, prose, table
from steadfast.report.sections._section import CLASSES, Section, system_columns
from steadfast.report.sections.changes import rates
from steadfast.report.study import Study


def build(study: Study) -> list[Block]:
    """Edits beside controls, and what they did to the weights."""
    blocks = [
        prose(
            "A model that still refuses after an edit may be robust, or the edit may have missed. Every edit is",
            "checked tensor by tensor, and the same edit along a direction that means nothing is next to it.",
        )
    ]
    if study.controls:
        robustness = study.tables["robustness"]
        judges = study.judge_choices()
        blocks.append(
            dots(
                "controls",
                "Edits and controls side by side",
                rows=[study.labels.model(model) for model in study.models],
                series=[study.labels.variant(variant) for variant in study.variants],
                panels=list(CLASSES.values()),
                values={
                    judge: rates(study, robustness[robustness["judge"] == judge], study.variants) for judge in judges
                },
                options={"Judge": judges},
                unit="share",
                domain=(0.0, 1.0),
                note=f"Whiskers: {study.inference.confidence:.0%} intervals (Wilson).",
                pdf="controls",
            )
        )
    blocks.append(
        table(
            "edits",
            "What each edit did to the weights",
            study.tables["edits"],
            [
                *system_columns(study),
                Column("effective", "Passed all gates", "flag"),
                Column("gate", "Failed gate", "name"),
                Column("stability", "Stability", "number", help="Median cosine with directions of resampled prompts."),
                Column(
                    "same_place", "Same place", "share", help="Resamples that would choose this layer and position."
                ),
                Column("modules", "Modules", "count"),
                Column(
                    "worst_deviation",
                    "Worst deviation",
                    "number",
                    help="‖after − asked‖/‖asked − before‖ of what a matrix writes along the direction: 0 is as asked "
                    "for, 1 is as before the edit.",
                ),
                Column("change_norm", "Change of the weights", "number", help="Frobenius norm of W′ − W."),
                Column(
                    "verified",
                    "Edit verified",
                    "name",
                    help="Whether every edited module applies the edit, and the checkpoint answers as the original "
                    "with hooks. No power: the change is so small that a miss could not have been seen. Empty: this "
                    "edit has no form at run time, or it was not measured.",
                ),
                Column("modules_checked", "Modules checked", "count"),
                Column(
                    "module_deviation",
                    "Modules off",
                    "number",
                    help="How far the worst module is from the asked change, in multiples of its bound: above 1 fails.",
                ),
                Column(
                    "hook_deviation",
                    "Baked off hooked",
                    "number",
                    help="Distance of the answers from the hooked original’s, in multiples of its bound; above 1 fails",
                ),
                Column("hook_share", "of the effect", "share", help="The same distance, of what the edit itself does."),
                Column("reason", "Why not", "text"),
                Column("remedy", "What to do", "text"),
            ],
            source=paths.table("edits"),
        )
    )
    return blocks


SECTION = Section("controls", "Controls", ("edits", "robustness"), build)
