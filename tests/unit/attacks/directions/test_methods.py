"""Each method against an independent computation."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as torch_save_file
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression

from steadfast.attacks.directions import Candidate, build_method, check_settings, load_direction
from steadfast.attacks.directions.finders import States, canonical_cosine, leading_axes
from steadfast.attacks.directions.logistic_regression import USUAL_INVERSE_STRENGTH, fit_logistic, probe_accuracy
from steadfast.attacks.directions.methods.probe import INVERSE_STRENGTHS, Probe
from steadfast.core.errors import ConfigError, DataError


def find(activations, seed=0, causal=None, **settings):
    return build_method(settings).find(activations, seed=seed, causal=causal)


def pooled(activations, layer=3, index=1):
    return np.concatenate([group.at(layer, index) for group in (activations.harmful, activations.harmless)])


@pytest.mark.slow
def test_pca_has_the_sign_of_the_class_difference(activations):
    for sign in (1, -1):
        groups = (activations.harmful, activations.harmless)[::sign]
        found = find(dataclasses.replace(activations, harmful=groups[0], harmless=groups[1]), method="pca", layer=3)
        expected = PCA(1).fit(pooled(activations)).components_[0]
        assert abs(found.directions[0] @ expected) == pytest.approx(1, abs=1e-6)
        assert found.directions[0, 2] * sign > 0.9


def test_pca_with_several_components_is_orthonormal(activations):
    rows = find(activations, method="pca", count=3, layer=3).directions.astype(np.float64)
    np.testing.assert_allclose(rows @ rows.T, np.eye(3), atol=1e-6)
    expected = PCA(3).fit(pooled(activations)).components_
    np.testing.assert_allclose(np.abs(np.diag(rows @ expected.T)), 1, atol=1e-5)


def test_logistic_regression_agrees_with_scikit_learn():
    generator = np.random.default_rng(0)
    states = generator.standard_normal((60, 7))
    signs = np.sign(states @ generator.standard_normal(7) + 0.5 * generator.standard_normal(60) + 0.3)
    for inverse_strength in INVERSE_STRENGTHS:
        weights, intercept = fit_logistic(states, signs, inverse_strength)
        model = LogisticRegression(C=inverse_strength, tol=1e-10, max_iter=5000).fit(states, signs)
        np.testing.assert_allclose(weights, model.coef_[0], rtol=1e-4, atol=1e-6)
        assert intercept == pytest.approx(model.intercept_[0], rel=1e-4, abs=1e-5)


def places_by_scikit_learn(scaled, labels, folds, inverse_strength):
    """Held-out places along scikit-learn's weights, each counted from the middle of its training classes."""
    places = np.zeros(len(labels))
    for fold in range(5):
        train = folds != fold
        model = LogisticRegression(C=inverse_strength, tol=1e-10, max_iter=5000).fit(scaled[train], labels[train])
        along = scaled @ model.coef_[0] / np.linalg.norm(model.coef_[0])
        middle = np.mean([along[train & (labels == label)].mean() for label in (0, 1)])
        places[~train] = (along - middle)[~train]
    return places


def test_probe_agrees_with_scikit_learn_in_more_dimensions_than_prompts():
    generator = np.random.default_rng(1)
    harmful, harmless = generator.standard_normal((2, 20, 100))
    harmful[:, 3] += 2
    harmful += 5
    harmless += 5
    found = Probe(5).find(States(harmful, ("",) * 20), States(harmless, ("",) * 20))
    states = np.concatenate([harmful, harmless])
    scale = np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean())
    labels = np.repeat([1, 0], 20)
    folds = np.tile(np.arange(20) % 5, 2)
    scaled = (states - states.mean(axis=0)) / scale
    separations = []
    for inverse_strength in INVERSE_STRENGTHS:
        places = places_by_scikit_learn(scaled, labels, folds, inverse_strength)
        groups = places[:20], places[20:]
        spread = np.sqrt(np.mean([group.var(ddof=1) for group in groups]))
        separations.append((groups[0].mean() - groups[1].mean()) / spread)
    best = max(separations)
    within = np.array(separations) >= best - np.sqrt(2 / 20 + best**2 / 80)
    chosen = INVERSE_STRENGTHS[int(within.argmax())]
    assert found.tuned["inverse_strength"] == chosen
    model = LogisticRegression(C=chosen, tol=1e-10, max_iter=5000).fit(scaled, labels)
    expected = model.coef_[0] / np.linalg.norm(model.coef_[0])
    assert found.rows[0] @ expected == pytest.approx(1, abs=1e-6)
    np.testing.assert_array_equal(states @ found.rows[0] > found.threshold, model.predict(scaled) == 1)


def correlated(prompts, distance):
    """Two classes that lie apart along one axis, of which a second axis holds the noise: C has to turn the weights."""
    generator = np.random.default_rng(5)
    groups = []
    for sign in (1, -1):
        values = 0.02 * generator.standard_normal((prompts, 6))
        noise = 2 * generator.standard_normal(prompts)
        values[:, 0] += 0.5 * sign * distance + noise
        values[:, 1] += noise
        groups.append(States(values, ("",) * prompts))
    return groups


def test_probe_regularization_is_interior_for_correlated_features():
    harmful, harmless = correlated(40, 1.0)
    found = Probe(5).find(harmful, harmless)
    assert 10 <= found.tuned["inverse_strength"] <= 1e4
    assert found.tuned["at_edge"] is False
    lowest = Probe(5, (1e-4, 1e-3)).find(harmful, harmless)
    assert lowest.tuned["at_edge"] is True
    assert found.rows[0] @ np.array([1, -1, 0, 0, 0, 0]) / np.sqrt(2) > 0.99 > lowest.rows[0, 0]


@pytest.mark.parametrize("count", [40, 23])
def test_probe_prefers_strong_regularization_without_loss_of_accuracy(count):
    """Also where folds differ in the ratio of the classes, which a strongly regularized intercept holds above all."""
    generator = np.random.default_rng(2)
    harmful, harmless = (
        States(generator.standard_normal((size, 6)) + shift, ("",) * size) for size, shift in ((count, 1), (40, -1))
    )
    found = Probe(5).find(harmful, harmless)
    assert found.tuned == {"inverse_strength": INVERSE_STRENGTHS[0], "at_edge": True}
    difference = harmful.mean() - harmless.mean()
    assert found.rows[0] @ difference == pytest.approx(np.linalg.norm(difference), rel=1e-3)


@pytest.mark.slow
def test_probe_records_its_regularization_in_details_and_grid(activations):
    found = find(activations, method="probe", layer=3, resamples=3)
    assert {"inverse_strength", "at_edge"} <= set(found.details)
    assert set(found.selection["inverse_strength"]) <= set(INVERSE_STRENGTHS)
    edges = found.selection["inverse_strength"].isin([INVERSE_STRENGTHS[0], INVERSE_STRENGTHS[-1]])
    assert found.selection["at_edge"].tolist() == edges.tolist()


def test_probe_reports_held_out_accuracy_per_layer(activations):
    found = find(activations, method="probe", layer="auto", resamples=3)
    assert found.layer == "3"
    at_signal = found.selection.query("layer == '3' and position == -1")["accuracy"].iloc[0]
    elsewhere = found.selection.query("layer == '0'")["accuracy"]
    assert at_signal > 0.9
    assert elsewhere.max() < 0.8


def test_probe_accuracy_agrees_with_scikit_learn():
    generator = np.random.default_rng(4)
    fit, rest = (
        tuple(generator.standard_normal((size, 30)) + 0.4 * sign + 3 for size, sign in ((20, 1), (30, -1)))
        for _ in range(2)
    )
    states = np.concatenate(fit)
    scale = np.sqrt(((states - states.mean(axis=0)) ** 2).sum(axis=1).mean())
    labels = np.repeat([1, 0], [20, 30])
    model = LogisticRegression(C=USUAL_INVERSE_STRENGTH, tol=1e-10, max_iter=5000)
    model.fit((states - states.mean(axis=0)) / scale, labels)
    read = [model.predict((states_of - states.mean(axis=0)) / scale) for states_of in rest]
    expected = (read[0].mean() + 1 - read[1].mean()) / 2
    assert 0.6 < expected < 1
    assert probe_accuracy(fit, rest) == pytest.approx(expected)


def test_every_method_reports_the_accuracy_of_a_probe(activations):
    grids = [find(activations, method=name, layer=3).selection for name in ("mean_difference", "pca")]
    assert grids[0]["probe_accuracy"].tolist() == grids[1]["probe_accuracy"].tolist()
    at_signal = grids[0].query("layer == '3' and position == -1")["probe_accuracy"].iloc[0]
    assert at_signal > 0.9 > grids[0].query("layer == '0'")["probe_accuracy"].max()


def test_subspace_by_category_spans_the_categories_mean_differences(activations):
    found = find(activations, method="subspace", count=3, by="category", layer=3).directions.astype(np.float64)
    labels = np.array(activations.harmful.categories)
    states, center = activations.harmful.at(3, 1), activations.harmless.at(3, 1).mean(axis=0)
    for category in ("c0", "c1", "c2"):
        difference = states[labels == category].mean(axis=0) - center
        np.testing.assert_allclose(found.T @ (found @ difference), difference, atol=1e-5)


def test_subspace_by_prompt_is_the_truncated_singular_value_decomposition(activations):
    found = find(activations, method="subspace", count=2, by="prompt", layer=3).directions.astype(np.float64)
    matrix = activations.harmful.at(3, 1) - activations.harmless.at(3, 1).mean(axis=0)
    expected = np.linalg.svd(matrix)[2][:2]
    assert canonical_cosine(found, expected) == pytest.approx(1, abs=1e-5)


def test_subspace_by_category_needs_categories(activations):
    harmful = dataclasses.replace(activations.harmful, categories=("",) * 40)
    with pytest.raises(DataError, match="at least two categories"):
        find(dataclasses.replace(activations, harmful=harmful), method="subspace", layer=3)


def test_axes_of_rounding_errors_are_dropped():
    matrix = np.outer(np.arange(1.0, 5), np.ones(6))
    assert leading_axes(matrix, 3).shape == (1, 6)


def test_stability_is_high_with_a_signal_and_low_without(activations):
    strong = find(activations, method="mean_difference", layer=3).details["stability"]
    weak = find(activations, method="mean_difference", layer=0).details["stability"]
    assert strong["resamples"] == 100
    assert strong["low_cosine"] > 0.95
    assert weak["median_cosine"] < 0.9
    assert "stability" not in find(activations, method="mean_difference", layer=3, resamples=0).details


def test_subspace_stability_is_that_of_its_least_stable_axis(activations):
    one = find(activations, method="pca", layer=3, resamples=20).details["stability"]["median_cosine"]
    many = find(activations, method="pca", count=4, layer=3, resamples=20).details["stability"]["median_cosine"]
    assert many < one


@pytest.mark.parametrize("method", ["mean_difference", "probe"])
@pytest.mark.slow
def test_stability_counts_resamples_choosing_the_same_place(activations, method):
    clear = find(activations, method=method, layer="auto", position="auto", resamples=10).details["stability"]
    assert (clear["same_place"], clear["place_resamples"]) == (1.0, 10)
    blocks = activations.harmful.blocks.copy()
    blocks[:, :, 4] = blocks[:, :, 3]  # a second block that is as good
    blocks[:, 1, 4, 2] += 0.5 * np.random.default_rng(8).standard_normal(len(blocks)).astype(np.float32)
    even = dataclasses.replace(activations, harmful=dataclasses.replace(activations.harmful, blocks=blocks))
    harmless = activations.harmless.blocks.copy()
    harmless[:, :, 4] = harmless[:, :, 3]
    even = dataclasses.replace(even, harmless=dataclasses.replace(activations.harmless, blocks=harmless))
    unclear = find(even, method=method, layer="auto", resamples=100).details["stability"]
    assert 0.2 < unclear["same_place"] < 1
    assert unclear["place_resamples"] == 25
    assert unclear == find(even, method=method, layer="auto", resamples=100).details["stability"]


def test_fixed_layer_has_no_same_place_share(activations):
    assert "same_place" not in find(activations, method="mean_difference", layer=3).details["stability"]
    causal = find(activations, causal=Scores(), method="mean_difference", layer="causal").details["stability"]
    assert "same_place" not in causal


class Scores:
    """Causal scores that only layer 1 and layer 3 pass, with the better bypass score at layer 1."""

    def __init__(self, induce=1.0, reason=""):
        self.induce, self.reason, self.seen = induce, reason, []

    def score(self, candidates: list[Candidate], *, fit, held_out, refusal_tokens):
        self.seen = candidates
        assert not set(fit[0]) & set(held_out[0])
        rows = [
            {
                "bypass": -candidate.layer if candidate.layer == 3 else -5.0,
                "induce": self.induce if candidate.layer in (1, 3) else -1.0,
                "divergence": 0.01,
            }
            for candidate in candidates
        ]
        return pd.DataFrame(rows), {"baseline_harmful": 2.0, "reason": self.reason, "tokens": refusal_tokens}


def test_causal_selection_takes_the_lowest_valid_bypass_score(activations):
    scores = Scores()
    found = find(activations, causal=scores, method="mean_difference", layer="causal", position="auto")
    assert (found.layer, found.score) == ("1", 5.0)
    assert {candidate.layer for candidate in scores.seen} == {0, 1, 2, 3}  # the last fifth is left out
    grid = found.selection
    assert grid["valid"].sum() == 4
    assert grid.loc[grid["selected"], "layer"].tolist() == ["1"]
    assert grid.loc[grid["layer"].isin(["4", "final_norm"]), "bypass"].isna().all()
    assert set(grid.loc[grid["layer"].isin(["0", "2"]), "dropped_by"]) == {"induce"}
    assert set(grid.loc[~grid["layer"].isin(["0", "2"]), "dropped_by"]) == {""}
    for candidate in scores.seen:
        np.testing.assert_allclose(np.linalg.norm(candidate.rows), 1)
        np.testing.assert_allclose(candidate.difference, candidate.rows[0] * np.linalg.norm(candidate.difference))


def test_no_valid_direction_is_an_outcome(activations, tmp_path):
    found = find(activations, causal=Scores(induce=-1.0), method="mean_difference", layer="causal")
    assert not found.valid
    assert found.directions.shape == (0, 8)
    assert "of 4 candidates" in found.reason and "4 induce a refusal score below 0" in found.reason
    found.save(tmp_path / "none.safetensors")
    again = load_direction(tmp_path / "none.safetensors")
    assert not again.valid
    assert again.reason == found.reason
    assert not again.selection["selected"].any()


def test_reason_of_an_invalid_causal_measurement_is_kept(activations):
    found = find(activations, causal=Scores(reason="nobody refuses"), method="mean_difference", layer="causal")
    assert found.reason == "nobody refuses"


def test_causal_selection_without_the_model_raises(activations):
    with pytest.raises(ConfigError, match="needs the model"):
        find(activations, method="mean_difference", layer="causal")


def test_contrast_by_behavior_regroups_the_prompts(activations):
    ids = [*activations.harmful.prompt_ids, *activations.harmless.prompt_ids]
    verdicts = pd.DataFrame({"prompt_id": ids, "sample": 0, "verdict": "non_refusal"})
    verdicts.loc[:29, "verdict"] = "refusal"
    verdicts.loc[45, "verdict"] = "refusal"
    verdicts.loc[[30, 50], "verdict"] = "unscored"
    found = activations.by_behavior(verdicts)
    assert (len(found.harmful), len(found.harmless)) == (31, 47)
    assert found.harmful.prompt_ids[-1] == ids[45]
    np.testing.assert_array_equal(found.harmful.blocks[-1], activations.harmless.blocks[5])
    np.testing.assert_array_equal(found.harmless.final_norm[0], activations.harmful.final_norm[31])


def test_contrast_by_behavior_without_both_groups_raises(activations):
    ids = [*activations.harmful.prompt_ids, *activations.harmless.prompt_ids]
    verdicts = pd.DataFrame({"prompt_id": ids, "sample": 0, "verdict": "non_refusal"})
    with pytest.raises(DataError, match="0 refused and 80 answered"):
        activations.by_behavior(verdicts)
    with pytest.raises(DataError, match="no verdict on 1 calibration prompt"):
        activations.by_behavior(verdicts[1:])


@pytest.fixture
def decoder(tmp_path):
    matrix = np.random.default_rng(3).standard_normal((100, 8)).astype(np.float32)
    save_file({"W_dec": matrix, "b_dec": matrix[0]}, tmp_path / "sae.safetensors")
    np.savez(tmp_path / "sae.npz", W_dec=matrix)
    np.save(tmp_path / "vector.npy", matrix[7])
    return tmp_path, matrix


@pytest.mark.parametrize("name", ["sae.safetensors", "sae.npz"])
def test_direction_is_read_from_a_decoder_row(activations, decoder, name):
    folder, matrix = decoder
    found = find(activations, method="file", path=str(folder / name), tensor="W_dec", features=7)
    np.testing.assert_allclose(found.directions[0], matrix[7] / np.linalg.norm(matrix[7]), atol=1e-6)
    assert found.tensors == {}
    assert found.details["features"] == (7,)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_decoder_row_is_read_in_any_float_dtype(activations, decoder, tmp_path, dtype):
    matrix = torch.from_numpy(decoder[1]).to(dtype)
    torch_save_file({"W_dec": matrix}, tmp_path / "half.safetensors")
    found = find(activations, method="file", path=str(tmp_path / "half.safetensors"), features=7)
    row = matrix[7].double().numpy()
    np.testing.assert_allclose(found.directions[0], row / np.linalg.norm(row), rtol=1e-6)


@pytest.mark.parametrize(("file", "message"), [("eight.safetensors", "Float8"), ("words.npy", "<U4")])
def test_unreadable_vector_dtype_raises(activations, decoder, tmp_path, file, message):
    torch_save_file({"W_dec": torch.ones(2, 4).to(torch.float8_e4m3fn)}, tmp_path / "eight.safetensors")
    np.save(tmp_path / "words.npy", np.array(["some", "text"]))
    with pytest.raises(DataError, match=rf"cannot read vectors from .*{file}: .*{message}"):
        find(activations, method="file", path=str(tmp_path / file))


def test_vector_file_with_a_layer_records_class_means(activations, decoder):
    found = find(activations, method="file", path=str(decoder[0] / "vector.npy"), layer=0.6)
    assert (found.layer, found.position) == ("3", -1)
    np.testing.assert_allclose(found.tensors["harmless_mean"], activations.harmless.at(3, 1).mean(axis=0), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tensor": "W_enc"}, "did you mean 'W_dec'"),
        ({"tensor": "W_dec"}, "100 vectors"),
        ({"tensor": "W_dec", "features": [3, 100]}, "features 0 to 99, not 100"),
        ({"tensor": "W_dec", "axis": 1, "features": 2}, "set axis: 0"),
    ],
)
def test_missing_tensors_of_a_vector_file_are_named(activations, decoder, settings, message):
    with pytest.raises((DataError, ConfigError), match=message):
        find(activations, method="file", path=str(decoder[0] / "sae.safetensors"), **settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "file", "path": "nowhere.safetensors"}, "no such file"),
        ({"method": "file", "path": "pyproject.toml"}, "must end in"),
        ({"method": "file"}, "the key 'path' is missing"),
        ({"method": "pca", "count": 0}, "count"),
        ({"method": "probe", "folds": 1}, "folds"),
        ({"method": "subspace", "by": "categry"}, "did you mean 'category'"),
        ({"method": "mean_difference", "resamples": -1}, "resamples"),
        ({"method": "mean_difference", "layer": "causal", "causal": {"max_kl": 1}}, "causal: unknown key 'max_kl'"),
        ({"method": "mean_difference", "layer": "causal", "causal": {"max_depth": 0}}, "max_depth"),
        ({"method": "mean_difference", "layer": "causal", "causal": {"refusal_tokens": "I"}}, "refusal_tokens"),
        ({"method": "mean_difference", "causal": {"prompts": 3}}, "only with layer: causal"),
    ],
)
def test_invalid_direction_method_settings_are_rejected(settings, message):
    with pytest.raises(ConfigError, match=message):
        check_settings(settings)
