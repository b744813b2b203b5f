import itertools

import numpy as np
import pandas as pd
import pytest
from tests.pictures import saved_pixels, touches_its_edge

from steadfast.analysis.tables.display_names import Labels
from steadfast.analysis.tables.self_evaluation import COLUMNS
from steadfast.report.figures.kinds.self_evaluation import PANELS, figure

VARIANTS = ("original", "abliterated", "random")


def monitoring(models=("", "m0", "m1"), responses=("own", "others", "own - others")):
    rng = np.random.default_rng(0)
    rows = []
    for model, variant, kind, metric in itertools.product(models, VARIANTS, responses, PANELS):
        value = rng.random()
        low, high = value - 0.05, value + 0.05
        rows.append(("self", model, variant, kind, metric, value, low, high, *(np.nan,) * 3, 10, ""))
    table = pd.DataFrame(rows, columns=COLUMNS)
    return table.assign(value=table["value"].mask((table["model"] == "m1") & (table["metric"] == "auroc")))


@pytest.mark.parametrize(
    "table",
    [monitoring(), monitoring(responses=("own",)), monitoring(models=("", *(f"model-{n}" for n in range(20))))],
    ids=["usual", "no control", "twenty models"],
)
def test_self_evaluation_figure_fits_its_page(table, tmp_path):
    labels = Labels(models={"m0": "A model with a long and telling name, too long for a line"})
    drawn_figure = figure(table, "self", "grammar", labels, controls=["random"])
    assert not touches_its_edge(saved_pixels(drawn_figure, tmp_path))


def test_self_evaluation_figure_shows_table_values_without_controls():
    table = monitoring()
    drawn_figure = figure(table, "self", "grammar", controls=["random"])
    assert len(drawn_figure.axes) == len(PANELS)
    panel = drawn_figure.axes[1]
    assert panel.get_xlim() == (0, 1)
    drawn = {line.get_label(): line for line in panel.lines if not line.get_label().startswith("_")}
    assert list(drawn) == [f"{variant} {kind}" for variant in VARIANTS[:2] for kind in ("own", "others")]
    chosen = table.query("variant == 'abliterated' and responses == 'others' and metric == 'sensitivity'")
    np.testing.assert_allclose(drawn["abliterated others"].get_xdata(), chosen["value"])
    assert drawn["original own"].get_markerfacecolor() != "white"
    assert drawn["original others"].get_markerfacecolor() == "white"
    assert drawn["original own"].get_marker() != drawn["abliterated own"].get_marker()


def test_constant_measure_is_in_the_note_alone():
    table = monitoring()
    table.loc[table["metric"] == "coverage", "value"] = 1.0
    drawn = figure(table, "self", "grammar", controls=["random"])
    assert "95% intervals" in " ".join(drawn.texts[1].get_text().split())
    assert "Coverage" not in [axes.get_title() for axes in drawn.axes]
    assert "coverage 1.00 everywhere" in " ".join(drawn.texts[1].get_text().split())


def test_legend_of_self_evaluation_names_only_what_is_drawn():
    table = monitoring()
    unscored = (table["variant"] == "abliterated") & (table["responses"] == "own")
    drawn = figure(table.assign(value=table["value"].mask(unscored)), "self", "grammar", controls=["random"])
    names = [text.get_text() for text in drawn.legends[0].get_texts()]
    assert len(names) == 3 and "abliterated, own responses" not in names
    assert "no mark: undefined" in drawn.texts[1].get_text()
    complete = figure(table.fillna({"value": 0.5}), "self", "grammar", controls=["random"])
    assert "no mark" not in complete.texts[1].get_text() and "dashed" in complete.texts[1].get_text()
