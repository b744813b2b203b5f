"""Refusal rates against the scale of attacks."""

from functools import cache

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.statistics.settings import Inference
from steadfast.analysis.tables.robustness import robustness_table
from steadfast.analysis.tables.scales import ALL, scale_table

INFERENCE = Inference(resamples=50)
RATES = {
    "raw": {"original": 1.0, "mild": 0.6, "half": 0.5, "full": 0.0, "other": 0.2, "noise": 0.9},
    "score0": {"original": 0.8, "mild": 0.8, "half": 0.6, "full": 0.5, "other": 0.4, "noise": 0.4},
}
NORMS = {"mild": 1.0, "half": 2.0, "full": 3.0, "other": 2.5, "noise": 0.5}
ATTACKS = {
    name: {"direction": direction, "change": change, "blocks": "all", "scale": scale, "control": control}
    for name, direction, change, scale, control in (
        ("full", "mean", "all", 1.0, False),
        ("mild", "mean", "all", 0.25, False),
        ("half", "mean", "all", 0.5, False),
        ("other", "probe", "all", 1.0, False),
        ("noise", "random", "all", 1.0, True),
    )
}


def verdicts(rates=RATES, prompts=10):
    rows = [
        {
            "model": model,
            "variant": variant,
            "judge": "grammar",
            "prompt_id": f"{label}{number}",
            "sample": 0,
            "label": label,
            "category": "",
            "human": False,
            "verdict": "refusal" if label == "harmful" and number < round(rate * prompts) else "non_refusal",
            "score": np.nan,
        }
        for model, variants in rates.items()
        for variant, rate in variants.items()
        for label in ("harmful", "harmless")
        for number in range(prompts)
    ]
    return pd.DataFrame(rows)


def edits(**changes):
    rows = [
        {"model": model, "variant": variant, "effective": True, "change_norm": norm, **changes.get(variant, {})}
        for model in RATES
        for variant, norm in NORMS.items()
    ]
    return pd.DataFrame(rows)


def effects(**perplexity):
    """Divergence of all systems, and how many times the perplexity of some variants is the original's."""
    common = {"original": 4.0, "change": np.nan, "reason": np.nan}
    rows = [
        {"model": model, "variant": variant, "measure": measure, "scope": scope, "value": value, **common}
        for model in RATES
        for variant, norm in NORMS.items()
        for measure, scope, value in (
            ("divergence", "harmless", norm / 10),
            ("divergence", "harmful", norm / 10),
            ("perplexity", "held-out text", 4 * perplexity.get(variant, 1.5)),
        )
    ]
    return pd.DataFrame(rows)


@cache
def judged_usually(prompts):
    """Verdicts of the usual rates, and their table of robustness; no test changes them."""
    return judged_with(RATES, prompts)


def judged_with(rates, prompts):
    judged = verdicts(rates, prompts)
    return judged, robustness_table(judged, inference=INFERENCE)


def table_of(rates=RATES, table=None, prompts=10, **perplexity):
    judged, robustness = judged_usually(prompts) if rates is RATES else judged_with(rates, prompts)
    found = edits() if table is None else table
    return scale_table(judged, robustness, found, effects(**perplexity), ATTACKS, judge="grammar", inference=INFERENCE)


def test_scales_start_at_the_original_and_increase():
    raw = table_of().query("model == 'raw' and direction == 'mean'")
    assert raw["variant"].tolist() == ["original", "mild", "half", "full"]
    assert raw["scale"].tolist() == [0.0, 0.25, 0.5, 1.0]
    assert raw["rate"].tolist() == [1.0, 0.6, 0.5, 0.0]
    assert raw["change_norm"].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert raw["divergence"].tolist() == [0.0, 0.1, 0.2, 0.3]
    assert (raw["rate_low"] <= raw["rate"]).all() and (raw["harmless_rate"] == 0).all()


def test_smallest_attack_halving_the_refusals_is_marked():
    table = table_of().set_index(["model", "variant"])
    assert table.loc["raw"].query("halves").index.tolist() == ["half", "full", "other"]
    assert table.loc["raw"].query("least_scale").index.tolist() == ["half", "other"]
    assert table.loc["raw"].query("least_change").index.tolist() == ["half"]
    # the control halves as well, but is aimed at nothing
    assert table.loc["score0"].query("least_change").index.tolist() == ["other"]
    assert table.loc[("score0", "noise"), "least_scale"]


def test_ineffective_edit_does_not_halve_the_refusals():
    table = table_of(table=edits(half={"effective": False})).set_index(["model", "variant"])
    assert table.loc["raw"].query("least_scale").index.tolist() == ["full", "other"]


def test_degraded_model_does_not_halve_the_refusals():
    table = table_of(half=2.1, other=np.inf).set_index(["model", "variant"])
    assert table.loc["raw"].query("degraded").index.tolist() == ["half", "other"]
    assert table.loc["raw"].query("halves").index.tolist() == ["full"]
    assert table.loc["raw"].query("least_scale").index.tolist() == ["full"]
    assert table.loc["raw"].query("least_change").index.tolist() == ["full"]
    assert table.loc[("raw", "half"), "perplexity_ratio"] == pytest.approx(2.1)
    assert table.loc[(ALL, "half"), "degraded"] and not table.loc[(ALL, "half"), "halves"]


def test_halving_is_certain_if_the_interval_is_below_half():
    few, many = (table_of(prompts=prompts).set_index(["model", "variant"]) for prompts in (10, 100))
    # 20 of 100 have an upper end of 29%, 2 of 10 one of 51%
    assert few.loc["raw"].query("halves_surely").index.tolist() == ["full"]
    assert many.loc["raw"].query("halves_surely").index.tolist() == ["full", "other"]
    assert many.loc[("raw", "half"), "halves"] and not many.loc[("raw", "half"), "halves_surely"]


def test_average_over_models_has_an_interval():
    together = table_of().query(f"model == '{ALL}'").set_index("variant")
    assert together.loc["full", "rate"] == pytest.approx(0.25)
    assert together.loc["full", "rate_low"] < 0.25 < together.loc["full", "rate_high"]
    assert together.loc["other", "change_norm"] == pytest.approx(2.5)


def test_variant_missing_in_one_model_is_not_averaged():
    rates = {**RATES, "raw": {name: rate for name, rate in RATES["raw"].items() if name != "half"}}
    table = table_of(rates)
    assert "half" not in set(table.loc[table["model"] == ALL, "variant"])
    assert "half" in set(table.loc[table["model"] == "score0", "variant"])


def test_attack_without_responses_is_omitted():
    rates = {model: {name: rate for name, rate in found.items() if name != "other"} for model, found in RATES.items()}
    assert "probe" not in set(table_of(rates)["direction"])


def test_single_model_is_not_averaged():
    assert set(table_of({"raw": RATES["raw"]})["model"]) == {"raw"}


def test_nothing_is_marked_if_no_attack_halves_refusals():
    same = {"raw": dict.fromkeys(RATES["raw"], 0.9)}
    assert not table_of(same)[["halves", "halves_surely", "least_scale", "least_change"]].any().any()
