"""``search.csv`` and its figure: fronts, intervals, and the optimism of the selection."""

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.tables.searched_attacks import COLUMNS, search_table
from steadfast.attacks.directions import Direction
from steadfast.report.figures.kinds.search import figure as draw

NOTHING = np.zeros((0, 4), dtype=np.float32)


def row(trial, refused, scored, divergence, *, chosen=False, over=0, reason=""):
    rates = {"refused": refused, "scored": scored, "total": scored, "divergence": divergence, "degenerate": 0.0}
    over_all = {"over_refused": over, "over_scored": pd.NA if over is None else 10}
    screened = {"refusal_score": -trial, "screened_divergence": divergence}
    marks = {"trial": trial, "finalist": trial >= 0, "chosen": chosen, "reason": reason}
    return {**marks, **rates, **over_all, **screened}


@pytest.fixture
def searches():
    trials = [
        row(-1, 19, 20, 0.0),
        row(0, 10, 20, 0.02),
        row(3, 2, 20, 0.08, chosen=True),
        row(4, 2, 20, 0.09),
        row(7, 5, 5, 0.01, over=None, reason="more refusals"),
    ]
    screened = {**row(9, pd.NA, pd.NA, np.nan, over=None), "finalist": False}
    found = Direction(NOTHING, "search", selection=pd.DataFrame([*trials, screened]))
    nothing = Direction(NOTHING, "search", reason="the responses begin alike")
    return [("a", "searched", found), ("b", "searched", nothing)]


@pytest.fixture
def robustness():
    rates = [("a", "original", 0.9), ("a", "searched", 0.25), ("a", "abliterated", 0.5), ("b", "original", 0.8)]
    return pd.DataFrame(
        [
            {
                "model": model,
                "variant": variant,
                "judge": judge,
                "label": label,
                "rate": rate if judge == "regex" else 1.0,
            }
            for model, variant, rate in rates
            for judge in ("regex", "other")
            for label in ("harmful", "harmless")
        ]
    ).assign(rate_low=lambda table: table["rate"] - 0.1, rate_high=lambda table: table["rate"] + 0.1)


@pytest.fixture
def effects():
    values = [("searched", "harmless", 0.11), ("abliterated", "harmless", 0.3)]
    columns = ["variant", "scope", "value"]
    return pd.DataFrame(values, columns=columns).assign(model="a", measure="divergence")


def test_search_table_lists_finalists_with_intervals(searches, robustness, effects):
    table = search_table(searches, robustness, effects, "regex")
    assert list(table.columns) == COLUMNS
    own = table[table["model"] == "a"].set_index("trial")
    assert own.index.tolist() == [-1, 0, 3, 4, 7] and set(own["trials"]) == {5}
    assert own["on_front"].to_dict() == {-1: False, 0: True, 3: True, 4: False, 7: False}
    chosen = own.loc[3]
    assert (chosen["rate"], chosen["evaluation_rate"], chosen["optimism"]) == (0.1, 0.25, 0.15)
    # the Wilson interval of 2 in 20
    assert (chosen["rate_low"], chosen["rate_high"]) == pytest.approx((0.0279, 0.3010), abs=1e-4)
    assert chosen["evaluation_divergence"] == 0.11
    assert (own.loc[-1, "evaluation_rate"], own.loc[-1, "optimism"]) == (0.9, -0.05)
    assert own.loc[[0, 4, 7], "evaluation_rate"].isna().all()


def test_failed_search_states_its_reason(searches, robustness, effects):
    table = search_table(searches, robustness, effects, "regex")
    other = table[table["model"] == "b"]
    assert other["reason"].tolist() == ["the responses begin alike"] and not other["chosen"].any()


def test_search_figure_shows_searches_and_other_edits(searches, robustness, effects):
    table = search_table(searches, robustness, effects, "regex")
    figure = draw(table, robustness, effects, "regex")
    axes = figure.axes[0]
    drawn = {(round(x, 3), round(y, 3)) for line in axes.lines for x, y in zip(*line.get_data(), strict=True)}
    assert {(0.08, 10.0), (0.11, 25.0), (0.3, 50.0), (0.02, 50.0)} <= drawn
    names = [text.get_text() for text in figure.legends[0].get_texts()]
    assert names[:2] == ["searched (search)", "abliterated (other attack)"]
    without = draw(table, robustness, effects, "regex", left_out=["abliterated"])
    assert (0.3, 50.0) not in {point for line in without.axes[0].lines for point in zip(*line.get_data(), strict=True)}
    assert "no search" in draw(table[table["model"] == "b"], robustness, effects, "regex").texts[0].get_text()


@pytest.mark.parametrize(
    ("divergences", "scale"),
    [((0.02, 0.1), "linear"), ((0.02, 4.0), "log"), ((0.0, 0.02, 4.0), "symlog"), ((0.0, 0.0), "linear")],
)
def test_wide_divergences_have_a_logarithmic_axis(searches, robustness, effects, divergences, scale):
    table = search_table(searches, robustness, effects, "regex")
    kept = table["trial"].isin([0, 3]) & (table["model"] == "a")
    table = table[kept].assign(divergence=[*divergences, *divergences][:2], evaluation_divergence=divergences[-1])
    figure = draw(table, robustness, effects.assign(value=divergences[-1]), "regex")
    assert figure.axes[0].get_xscale() == scale
    figure.draw_without_rendering()
    ticks = [text.get_text().replace("−", "-") for text in figure.axes[0].get_xticklabels(which="both")]
    # plain numbers: the style does not read mathematical text
    assert any(ticks) and all(np.isfinite(float(text)) for text in ticks if text)
    assert "95% confidence intervals" in " ".join(" ".join(text.get_text() for text in figure.texts).split())
