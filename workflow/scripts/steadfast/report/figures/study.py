"""The study's figures, all from one table of counts and one matrix of agreement."""

import itertools
import re
from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.ordering import names_of
from steadfast.report.figures import judge_correlation, refusal_counts, refusal_heatmap
from steadfast.report.figures.style import save

SUFFIXES = ("pdf", "png")


def study_figures(
    counts: pd.DataFrame,
    correlation: pd.DataFrame,
    labels: Labels | None = None,
    *,
    judges: Collection[str],
    controls: Collection[str] = (),
) -> dict[str, Figure]:
    """Draw refusal counts (the study's Figure 2), judge correlation (Figure 3) and heat maps (Figure 4, appendix).

    Args:
        counts: a table as ``tables.counts`` makes it.
        correlation: square matrix of the judges' Pearson correlation on stacked counts.
        labels: display labels.
        judges: whose verdicts the refusal counts are drawn from; one figure each, named after the judge if there
            are several.
        controls: variants that are left out, and get a figure of their own.

    Returns:
        Figures by file name without suffix.
    """
    figures = {"judge_correlation": judge_correlation.draw(correlation, labels)}
    for label in names_of(counts, "label"):
        figures[f"refusal_heatmap_{label}"] = refusal_heatmap.draw(counts, label, labels, controls=controls)
    names = ["refusal_counts"] if len(judges) == 1 else [f"refusal_counts_{slug}" for slug in slugs(judges)]
    for judge, name in zip(judges, names, strict=True):
        figures[name] = refusal_counts.draw(counts, judge, labels, controls=controls)
    if controls and len(judges) == 1:
        figures["controls"] = refusal_counts.draw(counts, next(iter(judges)), labels)
    return figures


def save_all(figures: Mapping[str, Figure], directory: str | Path) -> None:
    """Write each figure as PDF and PNG into a directory."""
    for name, figure in figures.items():
        for suffix in SUFFIXES:
            save(figure, Path(directory) / f"{name}.{suffix}")


def slugs(names: Collection[str]) -> list[str]:
    """Names as distinct parts of file names: lower case, runs of other characters as one hyphen.

    Names that come out alike are distinguished by a number.
    """
    found: list[str] = []
    for name in names:
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "judge"
        numbered = (f"{slug}-{number}" for number in itertools.count(2))
        found.append(next(choice for choice in itertools.chain([slug], numbered) if choice not in found))
    return found
