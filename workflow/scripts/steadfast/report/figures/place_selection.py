"""The selection of a direction's block and position, as heat maps of the scores that chose it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from steadfast.report.figures.cells import CELL_HEIGHT, cell_width, color_bar, draw_cells, text_size
from steadfast.report.figures.heading import add_heading, heading_height
from steadfast.report.figures.look import look, width
from steadfast.report.figures.separation_by_depth import FINAL_NORM
from steadfast.report.figures.style import INK, figure_style, message_figure, new_figure
from steadfast.report.figures.text_fitting import characters, inches_of, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

LEAST_ROWS = 3
MOST_NAMED = 20
"""Blocks that all have their number below a heat map; of more, every other one has."""
CAUSAL_PANELS = {
    "bypass": "bypass score: refusal of harmful prompts with the direction ablated (lowest is selected)",
    "induce": "induce score: refusal of harmless prompts with the direction added",
    "divergence": "KL score: divergence on harmless prompts with the direction ablated (nats)",
}


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
        reasons = self.grid["dropped_by"].astype(object).fillna("").str.split()
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
