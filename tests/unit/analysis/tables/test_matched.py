"""Groups at equal margins: the analysis of covariance, against simulated truth and by hand."""

import numpy as np
import pandas as pd
import pytest

from steadfast.analysis.tables.matched import COLUMNS, analyze, families_of, margin_of, matched_table


def simulated(seed, effect, slope=0.08, replicates=6, noise=0.02):
    """Two groups whose margins differ by 4 nats, and whose changes depend on the margin and on the group."""
    rng = np.random.default_rng(seed)
    group = np.repeat([0, 1], replicates)
    margin = 5 + 4 * group + rng.normal(0, 1.5, 2 * replicates)
    return -0.9 + slope * margin + effect * group + rng.normal(0, noise, len(group)), margin, group


def test_difference_due_to_margin_vanishes_at_equal_margins():
    change, margin, group = simulated(0, effect=0.0)
    fit = analyze(change, margin, group)
    assert fit.p_groups < 0.01 < fit.p_matched
    assert fit.matched[0] == pytest.approx(fit.matched[1], abs=0.05)
    assert fit.slope == pytest.approx(0.08, abs=fit.slope_half)


def test_difference_independent_of_margin_remains():
    fit = analyze(*simulated(1, effect=0.3))
    assert fit.p_matched < 0.001
    assert fit.matched[1] - fit.matched[0] == pytest.approx(0.3, abs=0.06)


def test_matched_intervals_have_nominal_coverage():
    covered = []
    for seed in range(300):
        change, margin, group = simulated(seed, effect=0.1, replicates=4)
        fit = analyze(change, margin, group, confidence=0.9)
        truth = -0.9 + 0.08 * margin.mean() + 0.1 * np.arange(2)
        covered.append(np.abs(fit.matched - truth) <= fit.half)
    assert np.mean(covered) == pytest.approx(0.9, abs=0.04)


def test_matched_analysis_equals_hand_computation():
    change = np.array([0.11, 0.19, 0.31, 0.25, 0.37, 0.43])
    fit = analyze(change, np.array([1.0, 2, 3, 2, 3, 4]), np.array([0, 0, 0, 1, 1, 1]))
    # within groups: sum of products 0.2 + 0.18, sum of squares 2 + 2
    assert fit.slope == pytest.approx(0.38 / 4)
    assert fit.matched == pytest.approx([0.61 / 3 + 0.5 * 0.095, 1.05 / 3 - 0.5 * 0.095])


@pytest.mark.parametrize(
    ("margin", "group", "reason"),
    [
        ([1.0, 2.0, 3.0], [0, 0, 1], "too few replicates"),
        ([1.0, 1.0, 2.0, 2.0], [0, 0, 1, 1], "the margin does not differ within any group"),
    ],
)
def test_undetermined_matched_values_are_blank_with_a_reason(margin, group, reason):
    fit = analyze(np.linspace(-1, 0, len(margin)), np.array(margin), np.array(group))
    assert np.isnan(fit.matched).all() and np.isnan(fit.slope) and np.isnan(fit.p_matched)
    assert fit.reason == reason


def test_changes_without_noise_have_no_p_value():
    fit = analyze(np.zeros(6), np.arange(6.0), np.array([0, 0, 0, 1, 1, 1]))
    assert np.isnan(fit.p_groups) and np.isnan(fit.p_matched)
    assert fit.matched == pytest.approx([0, 0])


@pytest.fixture
def rates():
    change, margin, group = simulated(2, effect=0.0)
    models = [f"g{g}-seed{i}" for i, g in enumerate(group)]
    rows = []
    for model, lost in zip(models, change, strict=True):
        for label in ("harmful", "harmless"):
            rows += [(model, "original", "grammar", label, 1.0), (model, "abliterated", "grammar", label, 1 + lost)]
    table = pd.DataFrame(rows, columns=["model", "variant", "judge", "label", "rate"])
    return table, dict(zip(models, margin, strict=True)), {model: model[:2] for model in models}


def test_matched_table_has_groups_margins_and_exposure(rates):
    table, margins, groups = rates
    shown = dict.fromkeys(groups, 30) | {next(iter(groups)): 31}
    matched = matched_table(table, margins, groups, refusals_shown=shown)
    assert list(matched.columns) == COLUMNS
    assert matched["group"].tolist() == ["g0", "g1"] and (matched["models"] == 6).all()
    assert matched["refusals_shown"].isna().tolist() == [True, False]
    assert matched["common_margin"].tolist() == pytest.approx([np.mean(list(margins.values()))] * 2)
    assert matched["matched_low"].lt(matched["matched_change"]).all()
    assert matched["extrapolated"].tolist() == [
        not row.margin_min <= row.common_margin <= row.margin_max for row in matched.itertuples()
    ]


def test_matched_table_skips_models_without_group_or_margin(rates):
    table, margins, groups = rates
    first, *others = groups
    fewer = matched_table(table, margins, {name: groups[name] for name in others})
    unknown = matched_table(table, margins | {first: float("nan")}, groups)
    pd.testing.assert_frame_equal(fewer, unknown)
    assert fewer["models"].tolist() == [5, 6]
    assert matched_table(table, margins, {}).empty


def exposed(seed, noise=0.02, replicates=6):
    """Six groups, half shown 10 refusals and half 20, each of which keeps 4 points more; margins say nothing."""
    rng = np.random.default_rng(seed)
    shown = {f"{kind}{number}": exposure for kind, exposure in (("few", 10), ("many", 20)) for number in range(3)}
    groups = {f"{group}-seed{replicate}": group for group in shown for replicate in range(replicates)}
    kept = {model: 0.1 + 0.04 * (shown[group] - 10) + rng.normal(0, noise) for model, group in groups.items()}
    rows = [
        (model, variant, "grammar", "harmful", rate)
        for model in groups
        for variant, rate in (("original", 1.0), ("abliterated", kept[model]))
    ]
    rates = pd.DataFrame(rows, columns=["model", "variant", "judge", "label", "rate"])
    margins = {model: rng.normal(8, 0.5) for model in groups}
    return rates, margins, groups, {model: shown[group] for model, group in groups.items()}


def by_family(matched):
    return matched.drop_duplicates("family").set_index("family")


def test_difference_due_to_exposure_vanishes_at_equal_exposure():
    rates, margins, groups, shown = exposed(0)
    matched = matched_table(rates, margins, groups, refusals_shown=shown)
    tests = by_family(matched)
    few, many = (f"equal exposure ({count} refusals)" for count in (10, 20))
    assert tests.index.tolist() == ["all", few, many]
    assert tests.loc["all", ["p_groups", "p_groups_matched"]].lt(1e-6).all()
    assert tests.loc[[few, many], ["p_groups", "p_groups_matched"]].gt(0.05).all(axis=None)
    within = matched[matched["family"] == many]
    assert within["group"].tolist() == ["many0", "many1", "many2"] and (within["refusals_shown"] == 20).all()
    assert within["matched_change"].tolist() == pytest.approx([-0.5] * 3, abs=0.05)


@pytest.mark.slow
def test_family_test_has_its_nominal_error_rate():
    low = []
    for seed in range(100):
        rates, margins, groups, shown = exposed(seed)
        tests = by_family(matched_table(rates, margins, groups, refusals_shown=shown))
        low += (tests["p_groups_matched"].iloc[1:] < 0.1).tolist()
    assert len(low) == 200
    assert np.mean(low) == pytest.approx(0.1, abs=0.06)


def test_difference_independent_of_exposure_remains_at_equal_exposure():
    rates, margins, groups, shown = exposed(1)
    better = rates["model"].str.startswith("many2") & (rates["variant"] == "abliterated")
    tests = by_family(
        matched_table(rates.assign(rate=rates["rate"] + 0.2 * better), margins, groups, refusals_shown=shown)
    )
    assert tests.loc["equal exposure (20 refusals)", "p_groups_matched"] < 1e-6
    assert tests.loc["equal exposure (10 refusals)", "p_groups_matched"] > 0.05


def test_family_comparison_ignores_other_groups():
    rates, margins, groups, shown = exposed(2)
    together = matched_table(rates, margins, groups, refusals_shown=shown, families={"chosen": ["few0", "many1"]})
    alone = matched_table(
        rates, margins, {model: group for model, group in groups.items() if group in ("few0", "many1")}
    )
    chosen = together[together["family"] == "chosen"].reset_index(drop=True)
    apart = ["family", "refusals_shown"]
    pd.testing.assert_frame_equal(chosen.drop(columns=apart), alone.drop(columns=apart))
    assert (alone["family"] == "all").all()


def test_families_group_by_exposure_and_configuration():
    exposures = {"a": 5, "b": None, "c": 3, "d": 5, "e": 3, "f": 4, "g": None}
    assert families_of(exposures, {"mine": ("f", "b", "absent"), "one": ("a", "absent")}) == [
        ("all", list("abcdefg")),
        ("equal exposure (3 refusals)", ["c", "e"]),
        ("equal exposure (5 refusals)", ["a", "d"]),
        ("mine", ["b", "f"]),
    ]
    assert families_of({"a": None}) == [("all", ["a"])]


def test_group_with_partly_unknown_exposure_has_none(rates):
    table, margins, groups = rates
    shown = {model: 30 for model in list(groups)[1:]}
    matched = matched_table(table, margins, groups, refusals_shown=shown)
    assert (matched["family"] == "all").all()
    assert matched["refusals_shown"].isna().tolist() == [True, False]


def test_margin_is_that_of_harmful_prompts():
    assert margin_of(pd.DataFrame({"label": ["harmful", "harmless"], "margin": [3.5, -9.0]})) == 3.5
