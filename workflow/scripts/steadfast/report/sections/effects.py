"""The robustness assessment of each model, and what an edit does in addition to removing refusals."""

from collections.abc import Mapping

import pandas as pd

from steadfast.analysis.tables.degradation import CRITERIA
from steadfast.analysis.tables.outcomes import ASSESSMENTS, outcome
from steadfast.grid import paths
from steadfast.report.blocks import Block, Column, Kind, dots, numbers, prose, table
from steadfast.report.figures.heading import number_of
from steadfast.report.sections._section import HOOK_COLUMNS, Section, pair_columns
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study

UNITS: Mapping[str, Kind] = {"change": "points", "ratio": "number", "value": "number"}
REMARKS = ("reason", "remedy", "note")
BEST_ATTACKS = "What each model withstood: the edit of the run that leaves it fewest refusals"


def _assessment(study: Study) -> list[Block]:
    return [
        prose(
            "A refusal count distinguishes neither a robust model from an edit that missed, nor compliance from",
            "degenerate text. Every model–variant pair is therefore assessed by fixed rules; the deciding numbers are",
            "listed with the outcome.",
            _meanings(study),
        ),
        table(
            "assessment",
            "Robustness assessment of every model–variant pair",
            study.tables["assessment"].astype(dict.fromkeys(REMARKS, "object")).fillna(dict.fromkeys(REMARKS, "")),
            [
                *pair_columns(study),
                Column("assessment", "Outcome", "name"),
                Column("refused_before", "Before", "share"),
                Column("refused_after", "After", "share"),
                Column("change", "Change", "points", interval=True),
                *_compliance(study),
                Column(
                    "weights_deviation",
                    "Weight deviation",
                    "number",
                    help="Deviation of the stored weights from the target: 0 matches the target, 1 is unedited.",
                    detail=True,
                ),
                Column(
                    "module_deviation",
                    "Module deviation",
                    "number",
                    help="Deviation of the worst edited module from the target change, in multiples of its bound.",
                    detail=True,
                ),
                *HOOK_COLUMNS,
                Column(
                    "residual_separation",
                    "Residual separation",
                    "share",
                    help="Along the direction, as a share of the original’s.",
                    detail=True,
                ),
                *(
                    Column(rule.column, rule.heading, UNITS[rule.compares], help=rule.help, detail=True)
                    for rule in CRITERIA.values()
                ),
                Column("reason", "Reason", detail=True),
                Column(
                    "gate_ratio",
                    "Times the bound",
                    "number",
                    help="Ratio of the deciding number to its bound.",
                    detail=True,
                ),
                Column("remedy", "Remedy", detail=True),
                Column("note", "Note", detail=True),
            ],
            source=paths.table("assessment"),
            sort="change",
        ),
        *([whole_table(study, "withstood", BEST_ATTACKS, fold=True)] if "withstood" in study.tables else []),
    ]


def _meanings(study: Study) -> str:
    """What the outcomes in the table mean."""
    present = dict.fromkeys(study.tables["assessment"]["assessment"].astype("str"))
    found = sorted((outcome(name, ASSESSMENTS) for name in present), key=ASSESSMENTS.index)
    return " ".join(f"{entry.mark} {entry.name}: {entry.meaning}." for entry in found)


def _effects(study: Study) -> list[Block]:
    return [
        prose("Side effects of the edit: fluency, responses to harmless prompts, and divergence from the original."),
        _chart(study, study.tables["side_effects"]),
        whole_table(study, "side_effects", "Side effects by variant", fold=True),
    ]


def _chart(study: Study, effects: pd.DataFrame) -> Block:
    """A dot per model and variant, for a selectable measure."""
    found = {
        tuple(map(str, row[:4])): numbers(row[4:])
        for row in effects[["measure", "scope", "model", "variant", "value", "low", "high"]].itertuples(
            index=False, name=None
        )
    }
    kinds = effects[["measure", "scope", "title", "unit"]].drop_duplicates(["measure", "scope"])
    values, names, items = {}, {}, {}
    for measure, scope, title, unit in kinds.itertuples(index=False, name=None):
        key = f"{measure} {scope}"
        names[key] = f"{str(title)[:1].upper()}{str(title)[1:]}" + ("" if scope in title else f", {scope}")
        names[key] += "" if unit == measure else f" ({unit})"
        own = effects[(effects["measure"] == measure) & (effects["scope"] == scope)]
        items[key] = f"{number_of(own['items'], 'items')} per value"
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
        n=items,
    )


def _compliance(study: Study) -> list[Column]:
    """Compliance before and after, where a rubric judges it."""
    if "complied_after" not in study.tables["assessment"]:
        return []
    return [
        Column("complied_before", "Complied before", "share", help="Harmful prompts that the original complies with."),
        Column("complied_after", "after", "share", help="The same after the edit."),
        Column("complied_change", "Change of compliance", "points", interval=True),
        Column("neither_after", "Neither", "share", help="Neither refused nor complied with, after the edit."),
    ]


ASSESSMENT = Section("assessment", "Assessment", ("assessment",), _assessment, ("withstood",))
SIDE_EFFECTS = Section("side-effects", "Side effects", ("side_effects",), _effects)
