"""The prompts of both labels along a direction: projections on it, and principal components, block by block."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import HALF_DIRECTIONS, Direction
from steadfast.attacks.directions.finders import leading_axes
from steadfast.core.names import PROMPT_LABELS
from steadfast.report.figures.heading import add_heading, add_legend, heading_height, legend_height
from steadfast.report.figures.look import narrow
from steadfast.report.figures.style import INK, SERIES, figure_style, marker_key, message_figure, new_figure
from steadfast.report.wording import MINUS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 5
MOST_NARROW = 3
PANEL = 1.35
WRITTEN_OUT = range(-1, 3)
"""Powers of ten of tick labels that are written out."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
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

    Where hidden features outnumber the prompts, a fitted direction separates the prompts that it was fitted on even if
    there is only noise. What is drawn is therefore the held-out half, along the other half's direction.

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
        panels[0, 0].set_yticks(range(len(PROMPT_LABELS)), PROMPT_LABELS)
        panels[1, 0].set_ylabel("component 2")
        for column in range(len(layers)):
            panels[0, column].set_xlabel(f"projection{_shorten_ticks(panels[0, column])}")
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


def held_out_counts(activations: Activations, direction: Direction) -> dict[str, int]:
    """Numbers of held-out prompts by label; none where the direction does not name them."""
    held_out = set(direction.details.get("held_out", ()))
    if not held_out:
        return {}
    return {label: len(held_out.intersection(getattr(activations, label).prompt_ids)) for label in PROMPT_LABELS}


def _part(activations: Activations, ids: set[str], kept: bool) -> Activations:
    """The prompts of both labels that are among ``ids``, or those that are not."""
    harmful, harmless = (
        group.subset(np.flatnonzero([(prompt_id in ids) == kept for prompt_id in group.prompt_ids]))
        for group in (activations.harmful, activations.harmless)
    )
    return replace(activations, harmful=harmful, harmless=harmless)


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


def _strip(axes: "Axes", groups: Sequence[NDArray[np.float64]]) -> None:
    """One band of points per class, with the class mean as a bar; heights within a band mean nothing."""
    generator = np.random.default_rng(0)
    for band, (name, values) in enumerate(zip(PROMPT_LABELS, groups, strict=True)):
        heights = band + generator.uniform(-0.3, 0.3, len(values))
        axes.scatter(values, heights, **_points(name))
        axes.plot([values.mean()] * 2, [band - 0.42, band + 0.42], color=INK, linewidth=1.2)
    axes.set_ylim(-0.6, len(PROMPT_LABELS) - 0.4)
    axes.set_yticks([])


def _shorten_ticks(axes: "Axes") -> str:
    """At most three short tick labels; returns the power of ten that very small and large ones leave to the title."""
    axes.locator_params(axis="x", nbins=2)
    largest = max(map(abs, axes.get_xlim()))
    power = int(np.floor(np.log10(largest))) if largest > 0 else 0
    power = power if power not in WRITTEN_OUT else 0
    axes.xaxis.set_major_formatter(lambda value, _place: f"{value / 10.0**power:.3g}".replace("-", MINUS))
    return f" (×10{str(power).translate(SUPERSCRIPTS)})" if power else ""


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
