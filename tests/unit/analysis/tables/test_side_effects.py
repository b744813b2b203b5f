"""Summing up side effects."""

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.statistics.proportions import wilson_interval
from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.side_effects import COLUMNS, side_effects_table

INFERENCE = Inference(resamples=500)


def scores(values, originals, *, weights=1.0, summary="mean", proportion=False, strata="", scope="s", measure="m"):
    table = pd.DataFrame({"value": values, "original": originals}, dtype=float)
    return table.assign(
        measure=measure,
        item=[str(index) for index in range(len(table))],
        weight=weights,
        scope=scope,
        stratum=strata,
        title="a title",
        unit="a unit",
        worse="higher",
        summary=summary,
        proportion=proportion,
    )


def row(part, variant="edited"):
    table = side_effects_table([("a", variant, part)], INFERENCE)
    assert list(table.columns) == COLUMNS
    return table.iloc[0]


def test_mean_side_effect_has_a_paired_change():
    rng = np.random.default_rng(0)
    before = rng.normal(10, 5, 60)
    found = row(scores(before + 1 + rng.normal(0, 0.01, 60), before))
    assert found["value"] == pytest.approx(before.mean() + 1, abs=0.01)
    assert found["original"] == pytest.approx(before.mean(), abs=1e-6)
    assert found["change"] == pytest.approx(1, abs=0.01)
    # every item changed by about 1, whatever their spread
    assert (found["change_low"], found["change_high"]) == pytest.approx((1, 1), abs=0.01)
    assert found["change_low"] < found["change"] < found["change_high"]
    assert found["low"] < found["value"] - 0.5
    assert found["high"] > found["value"] + 0.5


def test_side_effect_mean_uses_item_weights():
    assert row(scores([1, 4], [0, 0], weights=[3.0, 1.0]))["value"] == 1.75


def test_perplexity_is_the_exponential_of_the_mean():
    found = row(scores([1.0, 3.0], [1.0, 1.0], weights=[1.0, 3.0], summary="exponential_of_mean"))
    assert found["value"] == pytest.approx(np.exp(2.5), abs=1e-5)
    assert found["change"] == pytest.approx(np.exp(2.5) - np.exp(1), abs=1e-5)


def test_constant_proportion_keeps_an_interval():
    found = row(scores(np.zeros(50), np.zeros(50), proportion=True))
    assert (found["low"], found["high"]) == pytest.approx(tuple(map(float, wilson_interval(0, 50))), abs=1e-6)
    assert found["change_low"] < 0 < found["change_high"]


def test_original_has_no_change():
    found = row(scores([1, 2], [1, 2]), variant="original")
    assert found["value"] == 1.5
    assert np.isnan(found[["original", "change", "change_low", "change_high"]].to_numpy(float)).all()


def test_items_without_finite_value_are_skipped_and_counted():
    found = row(scores([1, np.nan, np.inf], [1, 1, 1]))
    assert (found["value"], found["items"]) == (1, 1)
    assert found["reason"] == "2 of 3 items have no finite value"
    nothing = row(scores([np.nan], [1]))
    assert np.isnan(nothing["value"])
    assert nothing["items"] == 0


def test_resampling_is_stratified():
    """The difference of two class means has no spread if the classes have none."""
    found = row(scores([2.1, 2, -2.1, -2, -2, -2], np.zeros(6), strata=["x", "x", "y", "y", "y", "y"]))
    assert found["high"] - found["low"] < 0.2


def test_items_that_are_all_alike_have_no_interval():
    found = row(scores([0.3] * 5, [0.1] * 5))
    assert (found["value"], found["change"]) == pytest.approx((0.3, 0.2))
    assert np.isnan(found[["low", "high", "change_low", "change_high"]].to_numpy(float)).all()


def test_side_effects_have_one_row_per_pair_and_measure():
    parts = [
        scores([1, 2], [1, 1], measure=measure, scope=scope) for measure, scope in (("m", "s"), ("m", "t"), ("n", "s"))
    ]
    table = side_effects_table(
        [("a", "edited", parts[0]), ("b", "edited", parts[0]), ("a", "edited", pd.concat(parts[1:]))], INFERENCE
    )
    found = table[["model", "measure", "scope"]].to_numpy().tolist()
    assert found == [["a", "m", "s"], ["a", "m", "t"], ["a", "n", "s"], ["b", "m", "s"]]
