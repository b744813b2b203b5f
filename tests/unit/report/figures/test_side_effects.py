"""Refusals lost against capability degradation."""

import numpy as np
import pandas as pd

from steadfast.analysis.tables.display_names import Labels
from steadfast.report.figures.kinds.side_effects import figure as draw

SYSTEMS = [(model, variant) for model in ("raw", "safe") for variant in ("edited", "random")]


def tables(measures):
    assessment = pd.DataFrame(SYSTEMS, columns=["model", "variant"])
    lost = [-0.6, 0.0, -0.2, 0.02]
    assessment = assessment.assign(change=lost, change_low=np.array(lost) - 0.1, change_high=np.array(lost) + 0.1)
    rows = []
    for measure, (unit, worse, change) in measures.items():
        for model, variant in [("raw", "original"), *SYSTEMS]:
            value = np.nan if variant == "original" else change
            row = {"model": model, "variant": variant, "measure": measure, "scope": "harmless", "title": measure}
            rows.append(
                {**row, "unit": unit, "worse": worse, "change": value, "change_low": value, "change_high": value}
                | {"items": 20}
            )
    return assessment, pd.DataFrame(rows)


def visible(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def points(axes):
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in axes.lines if line.get_marker() in "oD"
    ]


def test_one_panel_per_side_effect_and_one_point_per_pair():
    measures = {
        "spread": ("share of prompts", "higher", 0.3),
        "topic": ("share of prompts", "lower", -0.3),
        "length": ("tokens", "neither", 5.0),
        "nats": ("nats", "higher", 0.1),
    }
    figure = draw(*tables(measures), Labels(models={"raw": "Raw data"}), controls=["random"])
    panels = visible(figure)
    assert len(panels) == 3, "what is neither better nor worse is not drawn"
    found = [points(axes) for axes in panels]
    assert [len(panel) for panel in found] == [4, 4, 4]
    assert found[0][0] == found[1][0], "a loss of what is good and a gain of what is bad both go up"
    np.testing.assert_allclose(found[0][0], (60, 30))
    np.testing.assert_allclose(found[2][3], (-2, 0.1))
    assert all(axes.get_title().endswith("\nn = 20") for axes in panels), "each panel its own n"
    notes = " ".join(text.get_text() for text in figure.texts)
    assert "95% confidence intervals" in notes
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    assert texts == ["Raw data", "safe", "edited", "random"]


def test_figure_states_that_there_are_no_side_effects():
    assessment, effects = tables({"nats": ("nats", "higher", np.nan)})
    figure = draw(assessment, effects)
    assert "no side effects" in figure.texts[0].get_text()
