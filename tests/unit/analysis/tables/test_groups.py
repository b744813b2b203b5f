import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.groups import COLUMNS, group_table
from steadfast.analysis.tables.ordering import names_of

QUICK = Inference(resamples=300)
GROUPS = {"model0": "a", "model1": "a", "model2": "a", "model3": "b"}
KEYS = ["group", "variant", "judge", "label"]


def row_of(table, *key):
    return table[(table[KEYS] == pd.Series(dict(zip(KEYS, key, strict=True)))).all(axis=1)].iloc[0]


@pytest.fixture
def verdicts(make_verdicts):
    return make_verdicts(models=5, prompts=20)


def test_group_rate_is_the_mean_over_replicates(verdicts):
    table = group_table(verdicts, GROUPS, inference=QUICK)
    assert list(table.columns) == COLUMNS
    row = row_of(table, "a", "abliterated", "first", "harmful")
    chosen = verdicts[(verdicts["judge"] == "first") & (verdicts["label"] == "harmful")]
    rates = chosen.assign(refused=chosen["verdict"] == "refusal").pivot_table(
        index="model", columns="variant", values="refused"
    )
    rates = rates.loc[["model0", "model1", "model2"]]
    assert row["models"] == 3
    assert row["rate"] == pytest.approx(rates["abliterated"].mean(), abs=1e-6)
    assert (row["rate_min"], row["rate_max"]) == pytest.approx(
        (rates["abliterated"].min(), rates["abliterated"].max()), abs=1e-6
    )
    assert row["change"] == pytest.approx((rates["abliterated"] - rates["original"]).mean(), abs=1e-6)
    assert row["change_low"] < row["change"] < row["change_high"] < 0


def test_group_table_skips_models_without_a_group(verdicts):
    table = group_table(verdicts, GROUPS, inference=QUICK)
    assert set(table["group"]) == {"a", "b"}
    assert row_of(table, "b", "original", "first", "harmful")["models"] == 1
    assert np.isnan(row_of(table, "b", "original", "first", "harmful")["change"])
    assert group_table(verdicts, {}, inference=QUICK).empty


def test_differing_replicates_widen_the_interval(verdicts):
    """Three replicates that each refuse everything or nothing say less than three alike."""
    alike = verdicts[verdicts["judge"] == "first"]
    apart = alike.assign(verdict=alike["verdict"].mask(alike["model"] == "model0", "non_refusal"))
    apart = apart.assign(verdict=apart["verdict"].mask(apart["model"] == "model1", "refusal"))
    widths = [
        row["rate_high"] - row["rate_low"]
        for row in (
            row_of(group_table(table, GROUPS, inference=QUICK), "a", "original", "first", "harmful")
            for table in (alike, apart)
        )
    ]
    assert widths[1] > 2 * widths[0]


@pytest.mark.parametrize("replicates", [2, 3])
def test_replicates_that_are_all_alike_keep_an_interval(verdicts, replicates):
    kept = verdicts["model"].isin([f"model{number}" for number in range(replicates)])
    refusing = verdicts[kept & (verdicts["judge"] == "first")].assign(verdict="refusal")
    table = group_table(refusing, dict.fromkeys(names_of(refusing, "model"), "a"), inference=QUICK)
    assert (table["models"] == replicates).all()
    assert (table["rate"] == 1).all() and (table["rate_low"] < 1).all() and (table["rate_high"] == 1).all()
    changed = table.dropna(subset=["change"])
    assert len(changed) and (changed["change_low"] < 0).all() and (changed["change_high"] > 0).all()
