"""The robustness assessment of each model, and what an edit does in addition to removing refusals."""

import pandas as pd

from steadfast.analysis.tables.outcomes import ASSESSMENTS, outcome
from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, dots, numbers, prose, table
from steadfast.report.sections._section import Section, system_columns
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study

REMARKS = ("reason", "remedy", "note")


def _assessment(study: Study) -> list[Block]:
    return [
        prose(
            "A count of refusals does not tell a robust model from an edit that missed, nor an answer from word salad.",
            "So every model is assessed by stated rules, with the numbers that decide beside the outcome.",
            _meanings(study),
        ),
        table(
            "assessment",
            "Assessment of every model after every edit",
            study.tables["assessment"].astype(dict.fromkeys(REMARKS, "object")).fillna(dict.fromkeys(REMARKS, "")),
            [
                *system_columns(study),
                Column("assessment", "Outcome", "name"),
                Column("refused_before", "Before", "share"),
                Column("refused_after", "After", "share"),
                Column("change", "Change", "points", interval=True),
                Column(
                    "weights_deviation",
                    "Weights off",
                    "number",
                    help="How far the stored weights are from those asked: 0 is as asked, 1 as before the edit.",
                ),
                Column(
                    "module_deviation",
                    "Modules off",
                    "number",
                    help="How far the worst edited module is from the asked change, as a multiple of its bound.",
                ),
                Column(
                    "hook_deviation",
                    "Baked off hooked",
                    "number",
                    help="How far the checkpoint’s answers are from those of the original with hooks, as a multiple of "
                    "the bound.",
                ),
                Column("hook_share", "of the effect", "share", help="The same distance, of what the edit itself does."),
                Column("separation_kept", "Separation left", "share", help="Along the direction, of the original’s."),
                Column(
                    "degenerate_change", "Degenerate", "points", help="Change of the share of degenerate responses."
                ),
                Column("on_topic_change", "Off topic", "points", help="Loss of harmless answers on topic."),
                Column("perplexity_ratio", "Perplexity", "number", help="After divided by before."),
                Column(
                    "divergence", "Divergence", "number", help="From the original on harmless prompts, nats per token."
                ),
                Column("reason", "Reason"),
                Column("gate_ratio", "Times the bound", "number", help="How far what decided lies beyond its bound."),
                Column("remedy", "What to do"),
                Column("note", "Note"),
            ],
            source=paths.table("assessment"),
        ),
    ]


def _meanings(study: Study) -> str:
    """What the outcomes in the table mean."""
    present = dict.fromkeys(study.tables["assessment"]["assessment"].astype("str"))
    found = sorted((outcome(name, ASSESSMENTS) for name in present), key=ASSESSMENTS.index)
    return " ".join(f"{entry.mark} {entry.name}: {entry.meaning}." for entry in found)


def _effects(study: Study) -> list[Block]:
    return [
        prose("What else an edit changes: fluency, harmless answers, and how far the model is from what it was."),
        _chart(study, study.tables["side_effects"]),
        whole_table(study, "side_effects", "Side effects of every variant", fold=True),
    ]


def _chart(study: Study, effects: pd.DataFrame) -> Block:
    """A dot per model and variant, for the measure of one's choice."""
    found = {
        tuple(map(str, row[:4])): numbers(row[4:])
        for row in effects[["measure", "scope", "model", "variant", "value", "low", "high"]].itertuples(
            index=False, name=None
        )
    }
    kinds = effects[["measure", "scope", "title", "unit"]].drop_duplicates(["measure", "scope"])
    values, names = {}, {}
    for measure, scope, title, unit in kinds.itertuples(index=False, name=None):
        key = f"{measure} {scope}"
        names[key] = f"{str(title)[:1].upper()}{str(title)[1:]}" + ("" if scope in title else f", {scope}")
        names[key] += "" if unit == measure else f" ({unit})"
        values[key] = [
            [[found.get((measure, scope, model, variant)) for variant in study.variants] for model in study.models]
        ]
    return dots(
        "side_effects_chart",
        "Side effects",
        rows=[study.labels.model(model) for model in study.models],
        series=[study.labels.variant(variant) for variant in study.variants],
        panels=[""],
        values=values,
        options={"Measure": names},
        unit="number",
        note=f"Values with {study.inference.confidence:.0%} intervals.",
    )


ASSESSMENT = Section("assessment", "Assessment", ("assessment",), _assessment)
SIDE_EFFECTS = Section("side-effects", "Side effects", ("side_effects",), _effects)
