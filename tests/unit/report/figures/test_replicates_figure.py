"""The figure of replicates: every seed is there, and nothing is cut."""

import numpy as np
import pandas as pd
import pytest
from tests.pictures import saved_pixels, touches_its_edge

from steadfast.analysis.tables.display_names import Labels
from steadfast.core.errors import DataError
from steadfast.report.figures.kinds import replicates


def tables(groups, seeds, variants=("original", "abliterated")):
    rng = np.random.default_rng(0)
    rates = pd.DataFrame(
        [
            (f"group{g}-seed{seed}", variant, "grammar", label, rng.random())
            for g in range(groups)
            for seed in range(seeds)
            for variant in variants
            for label in ("harmful", "harmless")
        ],
        columns=["model", "variant", "judge", "label", "rate"],
    )
    members = {model: model.partition("-")[0] for model in rates["model"]}
    means = rates.assign(group=rates["model"].map(members)).groupby(["group", "variant", "judge", "label"], sort=False)
    table = means["rate"].agg(rate="mean", rate_low="min", rate_high="max", models="count").reset_index()
    return table, rates, members


def test_every_replicate_and_every_mean_is_drawn():
    table, rates, members = tables(3, 5)
    figure = replicates.figure(table, rates, members, "grammar", Labels(models={"group0": "Raw data"}))
    figure.draw_without_rendering()
    axes = figure.axes[0]
    means = [line for line in axes.lines if line.get_label() in ("original", "abliterated")]
    dots = [line for line in axes.lines if line.get_markersize() < 4 and len(line.get_xdata()) == 15]
    assert [len(line.get_xdata()) for line in means] == [3, 3] and len(dots) == 2
    expected = rates[(rates["variant"] == "abliterated") & (rates["label"] == "harmful")]["rate"] * 100
    assert sorted(dots[1].get_xdata()) == pytest.approx(sorted(expected))
    assert next(text.get_text() for text in axes.get_yticklabels()) == "Raw data (n = 5)"


def test_replicates_figure_excludes_controls():
    table, rates, members = tables(2, 2, variants=("original", "random"))
    figure = replicates.figure(table, rates, members, "grammar", controls=["random"])
    assert "random" not in [line.get_label() for line in figure.axes[0].lines]


@pytest.mark.parametrize(("groups", "variants"), [(2, ("original", "abliterated")), (20, tuple("abcdef"))])
def test_replicates_figure_fits_its_page(groups, variants, tmp_path):
    table, rates, members = tables(groups, 5, variants)
    labels = Labels(models={"group0": "A group with a very long name that nobody will ever shorten for a figure"})
    figure = replicates.figure(table, rates, members, "grammar", labels)
    assert not touches_its_edge(saved_pixels(figure, tmp_path))


def test_unknown_judge_raises():
    table, rates, members = tables(1, 2)
    with pytest.raises(DataError, match="known judges: grammar"):
        replicates.figure(table, rates, members, "regex")
