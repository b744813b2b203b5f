"""What the strength of an edit does, and how replicates differ."""

import pandas as pd

from steadfast.report.blocks import Block, dots, lines, numbers, prose
from steadfast.report.sections._section import CLASSES, Section
from steadfast.report.sections._table import whole_table
from steadfast.report.study import Study
from steadfast.tables.ordering import names_of

RATES = {
    "harmful": ["rate", "rate_low", "rate_high"],
    "harmless": ["harmless_rate", "harmless_low", "harmless_high"],
}


def _strength(study: Study) -> list[Block]:
    strength = study.tables["strength"]
    return [
        prose("Refusals as the edit gets stronger, or as further directions are removed."),
        _curves(study, strength),
        whole_table(study, "strength", "Refusals by the strength of the edit", fold=True),
    ]


def _curves(study: Study, strength: pd.DataFrame) -> Block:
    """A line per attack and a panel per model, for the class of prompts of one's choice."""
    known = {label: rates for label, rates in RATES.items() if set(rates) <= set(strength.columns)}
    models, attacks = names_of(strength, "model"), names_of(strength, "attack")
    return lines(
        "strength_curves",
        "Refusals by the strength of the edit",
        panels=[study.labels.model(model) for model in models],
        series=attacks,
        values={
            label: [[_points(strength, model, attack, rates) for attack in attacks] for model in models]
            for label, rates in known.items()
        },
        options={"Prompts": {label: CLASSES[label] for label in known}},
        across="strength",
        unit="share",
        domain=(0.0, 1.0),
        note=f"Share of the prompts refused, with {study.inference.confidence:.0%} intervals (Wilson).",
        pdf="attack_strength",
    )


def _points(strength: pd.DataFrame, model: str, attack: str, rates: list[str]) -> list[list[float | int | None]]:
    chosen = strength[(strength["model"] == model) & (strength["attack"] == attack) & strength[rates[0]].notna()]
    ordered = chosen.sort_values("strength", kind="stable")[["strength", *rates]]
    return [numbers(row) for row in ordered.to_numpy(float)]


def _replicates(study: Study) -> list[Block]:
    blocks = [
        prose("Models that differ in their seed alone, taken together: the range is luck and not training."),
        _groups(study, study.tables["groups"]),
        whole_table(study, "groups", "Rates and changes of groups of replicates", fold=True),
    ]
    if "matched" in study.tables:
        blocks.append(whole_table(study, "matched", "Groups compared at equal refusal margins", fold=True))
    return blocks


def _groups(study: Study, groups: pd.DataFrame) -> Block:
    """A dot per group and variant, by the judge of one's choice."""
    names, judges = names_of(groups, "group"), study.judge_choices(names_of(groups, "judge"))
    found = {
        tuple(map(str, row[:4])): numbers(row[4:])
        for row in groups[["judge", "label", "group", "variant", "rate", "rate_low", "rate_high"]].itertuples(
            index=False, name=None
        )
    }
    return dots(
        "replicates_chart",
        "Rates of groups of replicates",
        rows=names,
        series=[study.labels.variant(variant) for variant in study.variants],
        panels=list(CLASSES.values()),
        values={
            judge: [
                [[found.get((judge, label, group, variant)) for variant in study.variants] for group in names]
                for label in CLASSES
            ]
            for judge in judges
        },
        options={"Judge": judges},
        unit="share",
        domain=(0.0, 1.0),
        note=f"Means over replicates, with {study.inference.confidence:.0%} intervals over prompts and replicates.",
        pdf="replicates",
    )


STRENGTH = Section("strength", "Strength of the edit", ("strength",), _strength)
REPLICATES = Section("replicates", "Replicates", ("groups",), _replicates, ("matched",))
