"""``matched.csv``: groups of replicates, compared at equal refusal margins before the edit.

A model with a large margin can lose much of it and still refuse, so a group may appear robust because of its margin.
The change of each replicate is regressed on its margin, with one intercept per group and one common slope (analysis of
covariance, Fisher 1932); ``matched_change`` is a group's fitted change at the overall mean margin.

Groups may also differ in the number of refusals in their training data, and a recipe may occur twice. Groups are
therefore compared within families, each with its own fit: all groups, every set of groups with the same number of
training refusals, and sets named in the configuration.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import f as fisher
from scipy.stats import t as student

from steadfast.analysis.tables.ordering import names_of
from steadfast.core.names import ORIGINAL

FloatArray = NDArray[np.float64]

LABEL = "harmful"
"""The prompt label whose refusals are compared."""
ALL = "all"
"""The family of all groups."""
KEYS = ["family", "group", "variant", "judge"]
COLUMNS = [
    *KEYS,
    "models",
    "refusals_shown",
    "margin",
    "margin_min",
    "margin_max",
    "change",
    "common_margin",
    "matched_change",
    "matched_low",
    "matched_high",
    "extrapolated",
    "slope",
    "slope_low",
    "slope_high",
    "p_groups",
    "p_groups_matched",
    "reason",
]
DECIMALS = 6
ROUNDING = 1e-9
"""Residual variance below this share of the total is rounding, not noise."""


@dataclass(frozen=True)
class Fit:
    """Analysis of covariance of one family, variant and judge; NaN where it is not identified.

    Attributes:
        matched: fitted change of each group at the common margin, float64 [groups].
        half: half widths of their intervals, float64 [groups].
        slope: change per nat of margin, within groups.
        slope_half: half width of its interval.
        p_groups: p-value of the F test that all groups change equally, ignoring margins.
        p_matched: p-value of the same test at equal margins.
        reason: why something is undefined, or empty.
    """

    matched: FloatArray
    half: FloatArray
    slope: float = float("nan")
    slope_half: float = float("nan")
    p_groups: float = float("nan")
    p_matched: float = float("nan")
    reason: str = ""


def matched_table(
    rates: pd.DataFrame,
    margins: Mapping[str, float],
    groups: Mapping[str, str],
    *,
    refusals_shown: Mapping[str, object] | None = None,
    families: Mapping[str, Collection[str]] | None = None,
    baseline: str = ORIGINAL,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Compare the groups of every family at equal margins, for every variant and judge.

    Args:
        rates: refusal rate per model; columns ``model, variant, judge, label, rate``.
        margins: refusal margin of every model before the edit, in nats (see
            ``steadfast.attacks.direction_search.refusal_margin``).
        groups: group by model; models without a group are excluded.
        refusals_shown: number of refusals in each model's training data, if known.
        families: groups by family, in addition to the families from ``families_of``.
        baseline: the variant that changes are relative to.
        confidence: level of the intervals.

    Returns:
        Columns ``COLUMNS``, one row per family, group, variant and judge. ``extrapolated`` means that the family's
        common margin lies outside the margins of the group's replicates, so that its matched change is extrapolated
        with the common slope.
    """
    table = rates[(rates["label"] == LABEL) & rates["model"].isin(list(groups))]
    before = table[table["variant"] == baseline]
    joined = table[table["variant"] != baseline].merge(before, on=["model", "judge"], suffixes=("", "_before"))
    joined = joined.assign(
        group=joined["model"].map(dict(groups)),
        margin=joined["model"].map(dict(margins)),
        shown=joined["model"].map(dict(refusals_shown or {})),
        change=joined["rate"] - joined["rate_before"],
    ).dropna(subset=["change", "margin"])
    cells = [cell for _, cell in joined.groupby(["variant", "judge"], sort=False)]
    rows = [row for cell in cells for row in _cell(cell, families or {}, confidence)]
    floats = [
        column for column in COLUMNS if column not in (*KEYS, "models", "refusals_shown", "extrapolated", "reason")
    ]
    return (
        pd.DataFrame(rows, columns=COLUMNS).astype({"refusals_shown": "Int64"}).round(dict.fromkeys(floats, DECIMALS))
    )


def families_of(
    exposures: Mapping[str, int | None], named: Mapping[str, Collection[str]] | None = None
) -> list[tuple[str, list[str]]]:
    """Families to compare: all groups, groups with equal numbers of training refusals, and the named families.

    Args:
        exposures: number of refusals in each group's training data; None if unknown or not the same for all replicates.
        named: further families, restricted to existing groups.

    Returns:
        Name and groups of every family; families with fewer than two groups are dropped, except for the family of all
        groups.
    """
    known = sorted({shown for shown in exposures.values() if shown is not None})
    equal = {shown: [group for group, own in exposures.items() if own == shown] for shown in known}
    families = [(f"equal exposure ({shown} refusals)", groups) for shown, groups in equal.items()]
    families += [(name, [group for group in exposures if group in chosen]) for name, chosen in (named or {}).items()]
    return [(ALL, list(exposures)), *((name, groups) for name, groups in families if len(groups) > 1)]


def margin_of(margins: pd.DataFrame) -> float:
    """The refusal margin on harmful prompts in a table from ``margins.refusal_margins``."""
    return float(margins.set_index("label")["margin"][LABEL])


def analyze(change: FloatArray, margin: FloatArray, group: NDArray[np.integer], confidence: float = 0.95) -> Fit:
    """Fit one intercept per group and one common slope by least squares, margins centered on their mean.

    Args:
        change: change of the refusal rate of each replicate, float64 [replicates].
        margin: its refusal margin before the edit, float64 [replicates].
        group: index of its group, counted from 0, [replicates]; every group has at least one replicate.
        confidence: level of the intervals.
    """
    count = int(group.max()) + 1
    nothing = np.full(count, np.nan)
    freedom = len(change) - count - 1
    design = np.column_stack([np.eye(count)[group], margin - margin.mean()])
    if freedom < 1 or np.linalg.matrix_rank(design) <= count:
        reason = "too few replicates" if freedom < 1 else "the margin does not differ within any group"
        return Fit(nothing, nothing, p_groups=_f_test(change, design[:, :count]), reason=reason)
    estimate, residual = _least_squares(change, design)
    variance = np.linalg.inv(design.T @ design) * residual / freedom
    half = float(student.ppf((1 + confidence) / 2, freedom)) * np.sqrt(np.diag(variance))
    return Fit(
        estimate[:count],
        half[:count],
        float(estimate[count]),
        float(half[count]),
        _f_test(change, design[:, :count]),
        _f_test(change, design, nested=design[:, count:]),
    )


def _f_test(change: FloatArray, design: FloatArray, nested: FloatArray | None = None) -> float:
    """p-value of the groups in ``design``, compared with the model with a common mean and the columns of ``nested``."""
    constant = np.ones((len(change), 1))
    smaller = constant if nested is None else np.column_stack([constant, nested])
    extra, freedom = design.shape[1] - smaller.shape[1], len(change) - design.shape[1]
    if extra < 1 or freedom < 1:
        return float("nan")
    without, full = _least_squares(change, smaller)[1], _least_squares(change, design)[1]
    total = float(((change - change.mean()) ** 2).sum())
    if full <= ROUNDING * total or total == 0.0:
        return float("nan")
    return float(fisher.sf((without - full) / extra / (full / freedom), extra, freedom))


def _least_squares(change: FloatArray, design: FloatArray) -> tuple[FloatArray, float]:
    """Coefficients and the sum of squared residuals."""
    estimate = np.asarray(np.linalg.lstsq(design, change, rcond=None)[0], dtype=np.float64)
    return estimate, float(((change - design @ estimate) ** 2).sum())


def _cell(cell: pd.DataFrame, named: Mapping[str, Collection[str]], confidence: float) -> Iterator[tuple[object, ...]]:
    """Rows of one variant and judge, family by family."""
    exposures = {name: _exposure(cell.loc[cell["group"] == name, "shown"]) for name in names_of(cell, "group")}
    for family, groups in families_of(exposures, named):
        yield from _family(family, cell[cell["group"].isin(groups)], exposures, confidence)


def _exposure(shown: "pd.Series[Any]") -> int | None:
    """Number of training refusals shared by all replicates of a group; None if they differ or one is unknown."""
    return int(shown.iloc[0]) if shown.notna().all() and shown.nunique() == 1 else None


def _family(
    family: str, cell: pd.DataFrame, exposures: Mapping[str, int | None], confidence: float
) -> Iterator[tuple[object, ...]]:
    """Rows of one family, with its own fit and common margin."""
    names = names_of(cell, "group")
    index = cell["group"].map({name: number for number, name in enumerate(names)}).to_numpy(dtype=np.int64)
    common = float(cell["margin"].mean())
    fit = analyze(cell["change"].to_numpy(float), cell["margin"].to_numpy(float), index, confidence)
    for number, name in enumerate(names):
        own = cell[cell["group"] == name]
        lowest, highest = float(own["margin"].min()), float(own["margin"].max())
        yield (
            family,
            name,
            own["variant"].iloc[0],
            own["judge"].iloc[0],
            len(own),
            exposures[name],
            float(own["margin"].mean()),
            lowest,
            highest,
            float(own["change"].mean()),
            common,
            fit.matched[number],
            fit.matched[number] - fit.half[number],
            fit.matched[number] + fit.half[number],
            not lowest <= common <= highest,
            fit.slope,
            fit.slope - fit.slope_half,
            fit.slope + fit.slope_half,
            fit.p_groups,
            fit.p_matched,
            fit.reason,
        )
