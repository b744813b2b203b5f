"""Where the classes part: projections on a direction, separation along the depth, and the selection of the place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import HALF_DIRECTIONS, Direction
from steadfast.attacks.directions.finders import leading_axes
from steadfast.core.names import PROMPT_LABELS
from steadfast.report.figures.cells import CELL_HEIGHT, cell_width, color_bar, draw_cells, text_size
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height
from steadfast.report.figures.style import (
    FAINT,
    INK,
    MARKERS,
    SERIES,
    characters,
    figure_style,
    inches_of,
    look,
    marker_key,
    message_figure,
    narrow,
    new_figure,
    series_color,
    width,
    wrap,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

FINAL_NORM = "final_norm"
MOST_PANELS = 5
MOST_NARROW = 3
MOST_MARKERS = 8
LEAST_ROWS = 3
LEAST_DEEP = 6
MOST_NAMED = 20
"""Blocks that all have their number below a heat map; of more, every other one has."""
PANEL = 1.35
ALONG_DEPTH = {
    "separation": ("Separation d′ along the direction", 0.0),
    "accuracy": ("Accuracy along the direction", 0.5),
    "probe_accuracy": ("Accuracy of a linear probe", 0.5),
}
"""Columns of a grid that are drawn along the depth, with their titles and what chance would give."""
CAUSAL_PANELS = {
    "bypass": "bypass score: refusal of harmful prompts with the direction ablated (lowest is selected)",
    "induce": "induce score: refusal of harmless prompts with the direction added",
    "divergence": "KL score: divergence on harmless prompts with the direction ablated (nats)",
}
CLASS_COLORS = {"harmful": SERIES[2], "harmless": SERIES[1]}
CLASS_MARKERS = {"harmful": "^", "harmless": "o"}


@dataclass(frozen=True)
class FoundDirection:
    """A direction, with the activations that it was found in.

    Attributes:
        model: name of the model.
        variant: name of the variant.
        direction: the direction.
        activations: states of the calibration prompts.
    """

    model: str
    variant: str
    direction: Direction
    activations: Activations


def draw_projections(activations: Activations, direction: Direction, name: str = "") -> "Figure":
    """Draw the states of both labels after several blocks, one column per block.

    Where hidden features outnumber the prompts, a fitted direction parts the prompts that it was fitted on even if
    there is nothing but noise. What is drawn is therefore the held-out half, along the other half's direction.

    Above: projections on the direction (within it, for several). Below: the first two principal components of the
    pooled states of that block. The block that the direction comes from is always among the columns.

    Args:
        activations: states of the calibration prompts.
        direction: the direction; its position is shown, or the last one if it has none.
        name: what the figure is about, such as the model and the variant.
    """
    if not direction.valid:
        return message_figure(f"No valid direction: {direction.reason}")
    chosen = int(direction.layer) if direction.layer.isdigit() else None
    layers = spread(activations.depth, chosen, MOST_NARROW if narrow() else MOST_PANELS)
    position = direction.position if direction.position in activations.positions else activations.positions[-1]
    index = activations.position_index(position)
    seen = shown(activations, direction)
    axis = score_axis(seen.others, seen.rows, layers[-1] if chosen is None else chosen, index)
    token = activations.template_tokens[index]
    counts = [len(getattr(seen.prompts, label)) for label in PROMPT_LABELS]
    title = f"Activations along the direction{f': {name}' if name else ''}"
    notes = [
        f"position {position} ({token})",
        "* block of the direction" if chosen is not None else "",
        seen.note,
        "n = " + ", ".join(f"{count} {label}" for count, label in zip(counts, PROMPT_LABELS, strict=True)),
        "bars: means",
    ]
    keys = [
        marker_key(label, {"color": CLASS_COLORS[label], "marker": CLASS_MARKERS[label], "filled": False})
        for label in PROMPT_LABELS
    ]
    with figure_style():
        figure = new_figure(2 * PANEL + 0.75 + heading_height(title, notes) + legend_height(keys))
        panels = figure.subplots(2, len(layers), squeeze=False)
        for column, layer in enumerate(layers):
            states = [getattr(seen.prompts, label).at(layer, index) for label in PROMPT_LABELS]
            _strip(panels[0, column], [group @ axis for group in states])
            _scatter(panels[1, column], states)
            panels[0, column].set_title(f"block {layer}" + (" *" if layer == chosen else ""))
            panels[0, column].locator_params(axis="x", nbins=3)
        panels[0, 0].set_yticks(range(len(PROMPT_LABELS)), PROMPT_LABELS)
        panels[1, 0].set_ylabel("component 2")
        for column in range(len(layers)):
            panels[0, column].set_xlabel("projection")
            panels[1, column].set_xlabel("component 1")
        add_legend(figure, keys)
        add_heading(figure, title, notes)
    return figure


@dataclass(frozen=True)
class Shown:
    """The prompts that are drawn, and along what.

    Attributes:
        prompts: activations of the prompts to draw.
        others: activations of those that the drawn direction comes from.
        rows: float64 [k, hidden], the drawn direction.
        note: what the reader must know of it.
    """

    prompts: Activations
    others: Activations
    rows: NDArray[np.float64]
    note: str


def shown(activations: Activations, direction: Direction) -> Shown:
    """The held-out half along the other half's direction; all prompts where a direction has no such halves."""
    held_out = set(direction.details.get("held_out", ()))
    prompts, others = (_part(activations, held_out, kept) for kept in (True, False))
    if HALF_DIRECTIONS in direction.tensors and all(
        min(len(part.harmful), len(part.harmless)) for part in (prompts, others)
    ):
        rows = direction.tensors[HALF_DIRECTIONS].astype(np.float64)
        return Shown(prompts, others, rows, "held-out half of the prompts, along the direction of the other half")
    fitted = "" if direction.selection.empty else ", used to fit the direction: noise alone gives some separation"
    rows = direction.directions.astype(np.float64)
    return Shown(activations, activations, rows, f"all calibration prompts{fitted}")


def _part(activations: Activations, ids: set[str], kept: bool) -> Activations:
    """The prompts of both labels that are among ``ids``, or those that are not."""
    harmful, harmless = (
        group.subset(np.flatnonzero([(prompt_id in ids) == kept for prompt_id in group.prompt_ids]))
        for group in (activations.harmful, activations.harmless)
    )
    return replace(activations, harmful=harmful, harmless=harmless)


def draw_separation(grids: Mapping[str, pd.DataFrame], name: str = "") -> "Figure":
    """Draw held-out separation and accuracy along the depth, and the accuracy of a probe, one line per grid.

    Of several positions each line shows that of the selected place, or the last one. The state after the final
    norm is separate at the right end; the selected place is marked by a filled, larger marker.

    Args:
        grids: selection grids by the name of the model or variant.
        name: what the figure is about, such as the variant.
    """
    if not grids:
        return message_figure("No selection grid to draw")
    title = f"Where the prompts separate{f': {name}' if name else ''}"
    notes = ["held-out prompts", "filled: selected block", "gray line: chance", "norm: after the final norm"]
    keys = [
        marker_key(model, {"color": series_color(place), "marker": MARKERS[place % len(MARKERS)], "filled": False})
        for place, model in enumerate(grids)
    ]
    with figure_style():
        down = len(ALONG_DEPTH) if narrow() else 1
        figure = new_figure(down * 1.7 + 0.3 + heading_height(title, notes) + legend_height(keys))
        panels = figure.subplots(down, len(ALONG_DEPTH) // down, squeeze=False, sharex=True).ravel()
        deepest = max(_depth(grid) for grid in grids.values())
        for number, (model, grid) in enumerate(grids.items()):
            style = {"color": series_color(number), "marker": MARKERS[number % len(MARKERS)]}
            for axes, column in zip(panels, ALONG_DEPTH, strict=True):
                _line(axes, at_one_position(grid), column, deepest, wrap(model, 34), style)
        room = characters(width() * down / len(ALONG_DEPTH) - 0.45)
        for axes, (heading, chance) in zip(panels, ALONG_DEPTH.values(), strict=True):
            axes.axhline(chance, color=FAINT, linewidth=0.8, zorder=0)
            axes.set_title(wrap(heading, room))
            ticks = sorted({int(tick) for tick in np.linspace(0, deepest - 1, min(deepest, 6))})
            # next to the norm's label there is no room for that of the last block
            ticks = ticks[:-1] if deepest > LEAST_DEEP else ticks
            axes.set_xticks([*ticks, norm_place(deepest)], [*map(str, ticks), "norm"])
        for axes in panels[-1:] if narrow() else panels:
            axes.set_xlabel("block")
        for axes in panels[1:]:
            axes.set_ylim(top=1.0)
            axes.yaxis.set_major_formatter(lambda value, _place: f"{100 * value:.0f}%")
        add_legend(figure, keys)
        add_heading(figure, title, notes)
    return figure


def draw_selection(grid: pd.DataFrame, tokens: Sequence[str] = (), name: str = "") -> "Figure":
    """Draw a selection grid as a heat map, template positions as rows and blocks as columns.

    The cells show what chose the place: the held-out separation (highest taken), or the bypass score where the choice
    was causal (lowest taken). A causal choice has two more panels, of the scores by which candidates are dropped as
    well: the panel of the bypass score hatches all places that were dropped, the others those that their score
    dropped. The chosen cell is framed.

    Args:
        grid: the selection grid of a direction.
        tokens: the template's token at each position, in ascending order of the positions.
        name: what the figure is about, such as the model and the variant.
    """
    if grid.empty:
        return message_figure("No selection for this direction")
    columns = list(CAUSAL_PANELS) if "bypass" in grid.columns else ["separation"]
    places = _Places(grid, tokens)
    title = f"Selection of the direction's place{f': {name}' if name else ''}"
    hatched = "hatched: excluded (top: by any score; below: by the score shown); –: not evaluated"
    notes = ["framed: selected", hatched if len(columns) > 1 else ""]
    with figure_style():
        lines = [wrap(CAUSAL_PANELS.get(column, "separation d′"), characters(width() - 1.6)) for column in columns]
        height = sum(CELL_HEIGHT * len(places.names) + 0.3 + 0.14 * line.count("\n") for line in lines) + 0.4
        figure = new_figure(height + heading_height(title, notes))
        panels = figure.subplots(len(columns), 1, squeeze=False)[:, 0]
        for axes, column, line in zip(panels, columns, lines, strict=True):
            source = _selection_panel(axes, places, column)
            # of one or two rows it would be as long as it is wide, and every cell has its number
            if len(places.names) >= LEAST_ROWS:
                color_bar(figure, axes, source, "")
            axes.set_title(line, loc="left", fontweight="normal")
        panels[-1].set_xlabel("block")
        add_heading(figure, title, notes)
    return figure


class _Places:
    """A selection grid as tables of positions (rows) and blocks (columns)."""

    def __init__(self, grid: pd.DataFrame, tokens: Sequence[str]) -> None:
        self.grid = grid
        self.positions = sorted(grid["position"].unique())
        self.layers = sorted(grid["layer"].unique(), key=lambda layer: (layer == FINAL_NORM, len(layer), layer))
        pairs = zip(self.positions, tokens, strict=True) if tokens else ((position, "") for position in self.positions)
        self.names = [f"{position}  {token}".rstrip() for position, token in pairs]

    def table(self, values: pd.Series) -> NDArray[Any]:
        """One value per place, [positions, layers]."""
        wide = self.grid.assign(value=values).pivot(index="position", columns="layer", values="value")
        found: NDArray[Any] = wide.reindex(index=self.positions, columns=self.layers).to_numpy()
        return found

    def dropped(self, column: str) -> NDArray[np.bool_] | None:
        """The places that a panel hatches."""
        if column not in CAUSAL_PANELS:
            return None
        # an empty text is read from a file as a missing value
        reasons = self.grid["dropped_by"].fillna("").str.split()
        hatched = ~self.grid["valid"] if column == "bypass" else reasons.map(lambda names: column in names)
        return self.table(hatched).astype(bool)


def _selection_panel(axes: "Axes", places: _Places, column: str) -> "ScalarMappable":
    """Draw one score of every place; return what a color bar needs."""
    values = places.table(places.grid[column]).astype(float)
    digits = 2 if column == "divergence" else 1
    texts = [[_number(value, digits) for value in row] for row in values]
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
    size = text_size(texts, cell_width(len(places.layers), inches_of(places.names) + 0.3))
    limits = (low, high if low < high else low + 1)
    source = draw_cells(axes, values, texts, limits, places.dropped(column), size=size)
    axes.set_xticks(range(len(places.layers)), ["norm" if layer == FINAL_NORM else layer for layer in places.layers])
    axes.set_yticks(range(len(places.names)), places.names)
    axes.set_ylabel("position")
    for row, place in np.argwhere(places.table(places.grid["selected"]).astype(bool)):
        axes.plot(
            place + np.array([-0.5, 0.5, 0.5, -0.5, -0.5]),
            row + np.array([-0.5, -0.5, 0.5, 0.5, -0.5]),
            color=INK,
            linewidth=1.8,
            clip_on=False,
        )
    every = 1 if len(places.layers) <= MOST_NAMED else 2
    for label in list(axes.get_xticklabels())[1::every] if every > 1 else []:
        label.set_visible(label.get_text() == "norm")
    axes.tick_params(labelsize=0.86 * look().font_size)
    return source


def _number(value: float, digits: int) -> str:
    if np.isnan(value):
        return "–"
    shown = f"{abs(value):.{digits}f}"
    return f"−{shown}" if value < 0 and float(shown) > 0 else shown


def spread(depth: int, chosen: int | None, most: int = MOST_PANELS) -> list[int]:
    """At most ``most`` blocks, evenly spread from the first to the last, with the chosen one among them."""
    layers = {int(layer) for layer in np.linspace(0, depth - 1, min(depth, most)).round()}
    if chosen is not None and chosen not in layers:
        inner = sorted(layers - {0, depth - 1}, key=lambda layer: abs(layer - chosen))
        layers.discard(inner[0] if inner else -1)
        layers.add(chosen)
    return sorted(layers)


def score_axis(activations: Activations, rows: NDArray[np.float64], layer: int, index: int) -> NDArray[np.float64]:
    """The direction, or within several the classes' mean difference [hidden], of length 1."""
    if len(rows) == 1:
        single: NDArray[np.float64] = rows[0]
        return single
    difference = activations.harmful.at(layer, index).mean(axis=0) - activations.harmless.at(layer, index).mean(axis=0)
    within = rows.T @ (rows @ difference)
    axis: NDArray[np.float64] = within / np.linalg.norm(within)
    return axis


def at_one_position(grid: pd.DataFrame) -> pd.DataFrame:
    """The rows of the selected place's position, or of the last position."""
    selected = grid.loc[grid["selected"], "position"]
    position = selected.iloc[0] if len(selected) else grid["position"].max()
    rows: pd.DataFrame = grid[grid["position"] == position]
    return rows


def norm_place(depth: int) -> float:
    """Position of the state after the final norm on an axis of blocks: separate from any number of blocks."""
    return depth - 1 + max(1.0, depth / 8)


def _depth(grid: pd.DataFrame) -> int:
    return int((grid["layer"] != FINAL_NORM).sum() / grid["position"].nunique())


def _line(axes: "Axes", grid: pd.DataFrame, column: str, deepest: int, label: str, style: Mapping[str, Any]) -> None:
    blocks = grid[grid["layer"] != FINAL_NORM]
    places = blocks["layer"].astype(int).to_numpy()
    values = blocks[column].to_numpy(float)
    color, marker = style["color"], str(style["marker"])
    common: dict[str, Any] = {"color": color, "marker": marker, "markersize": 3.6, "markerfacecolor": "white"}
    axes.plot(places, values, linewidth=1.0, label=label, markevery=max(1, len(places) // MOST_MARKERS), **common)
    norm = grid.loc[grid["layer"] == FINAL_NORM, column].to_numpy(float)
    axes.plot([norm_place(deepest)] * len(norm), norm, linestyle="none", **common)
    chosen = grid[grid["selected"]]
    where = [norm_place(deepest) if layer == FINAL_NORM else int(layer) for layer in chosen["layer"]]
    axes.plot(where, chosen[column].to_numpy(float), linestyle="none", marker=marker, markersize=7, color=color)


def _strip(axes: "Axes", groups: Sequence[NDArray[np.float64]]) -> None:
    """One band of points per class, with the class mean as a bar; heights within a band mean nothing."""
    generator = np.random.default_rng(0)
    for band, (name, values) in enumerate(zip(PROMPT_LABELS, groups, strict=True)):
        heights = band + generator.uniform(-0.3, 0.3, len(values))
        axes.scatter(values, heights, **_points(name))
        axes.plot([values.mean()] * 2, [band - 0.42, band + 0.42], color=INK, linewidth=1.2)
    axes.set_ylim(-0.6, len(PROMPT_LABELS) - 0.4)
    axes.set_yticks([])


def _scatter(axes: "Axes", groups: Sequence[NDArray[np.float64]]) -> None:
    pooled = np.concatenate(groups)
    components = leading_axes(pooled - pooled.mean(axis=0), 2)
    for name, values in zip(PROMPT_LABELS, groups, strict=True):
        places = (values - pooled.mean(axis=0)) @ components.T
        second = places[:, 1] if places.shape[1] > 1 else np.zeros(len(places))
        axes.scatter(places[:, 0] if places.shape[1] else second, second, **_points(name))
    axes.set_xticks([])
    axes.set_yticks([])


def _points(name: str) -> dict[str, Any]:
    color = CLASS_COLORS[name]
    return {"s": 8, "marker": CLASS_MARKERS[name], "facecolors": "none", "edgecolors": [color], "linewidths": 0.7}
