"""Compliance beside refusals: a sentence for the report's first screen, and lines of the summary."""

from collections.abc import Mapping

import pandas as pd

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.analysis.tables.response_outcomes import OUTCOMES
from steadfast.core.names import ORIGINAL
from steadfast.report.wording import percent

ARROW = "→"
GAP = "  "


def compliance_sentence(outcomes: pd.DataFrame, variant: str, rubrics: Mapping[str, str] | None = None) -> str:
    """How many harmful prompts the models comply with before and after an edit, and how many they do neither with.

    For example ``The models comply with 41% of the harmful prompts after the edit and 3% before it, and neither refuse
    nor comply with 29%, by Compliance.``

    Args:
        outcomes: a table from ``tables.response_outcomes``.
        variant: the edit.
        rubrics: display names of the judges of compliance.

    Returns:
        An empty text where no model has scored responses before and after the edit.
    """
    judge = names_of(outcomes, "compliance_judge")[0] if len(outcomes) else ""
    own = outcomes[outcomes["compliance_judge"] == judge].set_index("model")
    before, after = (own[own["variant"] == name] for name in (ORIGINAL, variant))
    models = [name for name in after.index if name in before.index]
    rates = [
        table.loc[models, f"{name}_rate"].dropna() for table in (before, after) for name in ("complied", "neither")
    ]
    if not models or any(len(found) < len(models) for found in rates):
        return ""
    complied_before, _, complied, neither = (float(found.mean()) for found in rates)
    who = "The models comply" if len(models) > 1 else "The model complies"
    does = "refuse nor comply" if len(models) > 1 else "refuses nor complies"
    name = (rubrics or {}).get(judge, judge)
    return (
        f"{who} with {percent(complied)}% of the harmful prompts after the edit and {percent(complied_before)}% "
        f"before it, and neither {does} with {percent(neither)}%, by {name}."
    )


def outcome_lines(
    outcomes: pd.DataFrame, labels: Labels | None = None, rubrics: Mapping[str, str] | None = None
) -> list[str]:
    """Refused, complied and neither of each model before and after each edit, by each judge of compliance.

    Args:
        outcomes: a table from ``tables.response_outcomes``.
        labels: display labels.
        rubrics: display names of the judges of compliance.
    """
    labels, lines = labels or Labels(), []
    for judge in names_of(outcomes, "compliance_judge"):
        own = outcomes[outcomes["compliance_judge"] == judge]
        counts = {
            (str(row["model"]), str(row["variant"])): [f"{row[name]}" for name in OUTCOMES]
            + [f"{row['total']}" + (f" (+{row['unscored']}?)" if row["unscored"] else "")]
            for row in own.to_dict("records")
            if row["total"]
        }
        if not counts:
            continue
        rows = [
            (f"{labels.model(model)}, {labels.variant(variant)}", cells) for (model, variant), cells in counts.items()
        ]
        first = max(len(name) for name, _ in rows)
        heads = [*OUTCOMES, "of"]
        widths = [max(len(head), *(len(cells[place]) for _, cells in rows)) for place, head in enumerate(heads)]
        lines += ["", f"Outcomes of harmful prompts (compliance by {(rubrics or {}).get(judge, judge)})"]
        for name, cells in [("", heads), *rows]:
            shown = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
            lines.append((name.ljust(first) + "".join(GAP + cell for cell in shown)).rstrip())
    return lines[1:]
