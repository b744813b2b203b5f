"""Refusal rate against the strength of an attack, with intervals, and a side effect beside it where one is known."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from steadfast.figures.style import FAINT, MARKERS, colour_map, figure_style, message_figure, new_figure, wrap
from steadfast.files import require_columns
from steadfast.tables.labels import Labels

COLUMNS = ["model", "attack", "strength", "rate", "rate_low", "rate_high"]
PANEL_WIDTH, PANEL_HEIGHT = 2.3, 2.0
MOST_COLUMNS = 4
BASELINE = "original"


def strength_table(
    robustness: pd.DataFrame, attacks: Mapping[str, tuple[str, float]], *, judge: str, label: str
) -> pd.DataFrame:
    """Rates of a judge by attack and strength.

    Args:
        robustness: a table as ``tables.robustness`` makes it.
        attacks: for each variant the name of its attack (direction method and edit) and its strength.
        judge: whose verdicts are shown.
        label: ``harmful`` or ``harmless``.

    Returns:
        A table with the columns ``COLUMNS``. The original stands at strength 0 of every attack.
    """
    require_columns(robustness, ["model", "variant", "judge", "label", "rate", "rate_low", "rate_high"], "robustness")
    rows = robustness[(robustness["judge"] == judge) & (robustness["label"] == label)]
    edited = rows[rows["variant"].isin(list(attacks))]
    edited = edited.assign(
        attack=[attacks[variant][0] for variant in edited["variant"]],
        strength=[float(attacks[variant][1]) for variant in edited["variant"]],
    )
    original = rows[rows["variant"] == BASELINE]
    names = list(dict.fromkeys(attack for attack, _ in attacks.values()))
    zero = [original.assign(attack=name, strength=0.0) for name in names]
    table = pd.concat([*zero, edited])[COLUMNS]
    order = {name: place for place, name in enumerate(names)}
    return table.sort_values(["attack", "strength"], key=lambda values: values.map(order).fillna(values), kind="stable")


def draw(table: pd.DataFrame, labels: Labels | None = None, *, side_effect: pd.DataFrame | None = None) -> Figure:
    """Draw one panel per model and one line per attack, and below it the side effect if there is one.

    Args:
        table: as ``strength_table`` makes it.
        labels: display labels of the models.
        side_effect: columns ``model``, ``attack``, ``strength``, ``value`` and ``name`` (one name throughout),
            such as the divergence on harmless prompts.

    Raises:
        DataError: ``table`` lacks a column.
    """
    require_columns(table, COLUMNS, "attack strengths")
    labels = labels or Labels()
    models = list(dict.fromkeys(table["model"]))
    if not models:
        return message_figure("No attacks to draw")
    attacks = list(dict.fromkeys(table["attack"]))
    columns = min(MOST_COLUMNS, len(models))
    bands = int(np.ceil(len(models) / columns))
    kinds = 1 if side_effect is None or side_effect.empty else 2
    with figure_style():
        figure = new_figure(PANEL_WIDTH * columns + 0.6, PANEL_HEIGHT * bands * kinds + 0.5 + 0.09 * len(attacks))
        panels = figure.subplots(bands * kinds, columns, squeeze=False, sharex=True, sharey="row")
        for place in range(bands * columns):
            band, column = divmod(place, columns)
            used = panels[band * kinds : (band + 1) * kinds, column]
            if place >= len(models):
                for axes in used:
                    axes.set_visible(False)
                continue
            used[0].set_title(wrap(labels.model(models[place]), 30))
            _rates(used[0], table[table["model"] == models[place]], attacks)
            if kinds == 2 and side_effect is not None:
                _side_effect(used[1], side_effect[side_effect["model"] == models[place]], attacks)
                used[1].set_ylim(0, 1.05 * float(side_effect["value"].max()) or 1.0)
            used[-1].set_xlabel("strength")
            used[-1].tick_params(labelbottom=True)
            if column == 0:
                used[0].set_ylabel("refused")
                if kinds == 2 and side_effect is not None:
                    used[1].set_ylabel(str(side_effect["name"].iloc[0]))
        handles, names = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, [wrap(name, 40) for name in names], loc="outside lower center", ncols=2)
    return figure


def _rates(axes: Axes, table: pd.DataFrame, attacks: list[str]) -> None:
    """Lines with whiskers, drawn a little apart so that whiskers at one strength can be told from each other."""
    step = 0.012 * max(float(table["strength"].max()), 1e-9)
    for number, attack in enumerate(attacks):
        rows = table[table["attack"] == attack].sort_values("strength")
        if rows.empty:
            continue
        rate = rows["rate"].to_numpy(float)
        spread = np.abs(np.stack([rate - rows["rate_low"], rows["rate_high"] - rate]).astype(float))
        places = rows["strength"].to_numpy(float) + step * (number - (len(attacks) - 1) / 2)
        axes.errorbar(places, rate, yerr=spread, label=attack, elinewidth=0.6, capsize=1.5, **_line(number, attacks))
    axes.set_ylim(-0.03, 1.03)
    axes.axhline(0, color=FAINT, linewidth=0.6, zorder=0)


def _side_effect(axes: Axes, table: pd.DataFrame, attacks: list[str]) -> None:
    for number, attack in enumerate(attacks):
        rows = table[table["attack"] == attack].sort_values("strength")
        axes.plot(rows["strength"].to_numpy(float), rows["value"].to_numpy(float), **_line(number, attacks))


def _line(number: int, attacks: list[str]) -> dict[str, Any]:
    shade = colour_map()(0.88 * number / max(1, len(attacks) - 1))
    dashes = ("-", "--", ":", "-.")[number % 4]
    return {
        "color": shade,
        "linestyle": dashes,
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 3.5,
        "linewidth": 1.0,
    }
