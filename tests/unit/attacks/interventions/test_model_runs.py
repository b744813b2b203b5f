"""What runs the model: causal scores, keys of rank-one edits, the whole search, the hook-versus-baked check."""

import numpy as np
import pandas as pd
import pytest
import torch

from steadfast.attacks.activations import extract_activations
from steadfast.attacks.activations.logits import divergence
from steadfast.attacks.baking import bake
from steadfast.attacks.direction_search.keys import rank_one_tensors, solve_moment, token_keys
from steadfast.attacks.direction_search.measurements import ModelMeasurements
from steadfast.attacks.direction_search.refusal_score import (
    ModelAccess,
    ModelScores,
    refusal_score,
    select_refusal_tokens,
)
from steadfast.attacks.direction_search.search import find_direction, read_settings
from steadfast.attacks.directions import Candidate
from steadfast.core.errors import ConfigError
from steadfast.models.loading import load_model

EDIT = {"method": "orthogonalize", "targets": ["attention_output", "mlp_output"], "skip_first": 1}


@pytest.fixture(scope="module")
def access(checkpoint, prompts):
    return ModelAccess(checkpoint, prompts, device="cpu")


@pytest.fixture(scope="module")
def activations(checkpoint, prompts):
    return extract_activations(checkpoint, prompts, device="cpu")


def ids(prompts, label):
    return prompts[prompts["label"] == label]["prompt_id"].tolist()


def test_log_probabilities_do_not_depend_on_the_batch(access, prompts, checkpoint):
    encoded = access.encode(prompts["prompt_id"].tolist())
    together = access.log_probabilities(encoded)
    model = load_model(checkpoint, device="cpu")
    for row, tokens in zip(together, encoded, strict=True):
        with torch.no_grad():
            alone = torch.log_softmax(model(torch.tensor([tokens])).logits[0, -1].double(), dim=-1)
        torch.testing.assert_close(row, alone, atol=1e-5, rtol=0)
    assert float(divergence(together, together).max()) == 0


def test_refusal_score_is_the_mean_log_odds():
    log_probabilities = torch.tensor([[0.5, 0.25, 0.25], [0.8, 0.1, 0.1]], dtype=torch.float64).log()
    expected = (np.log(0.75 / 0.25) + np.log(0.9 / 0.1)) / 2
    assert refusal_score(log_probabilities, [0, 2]) == pytest.approx(expected)


def test_refusal_tokens_are_probable_and_specific():
    harmful = torch.tensor([0.5, 0.3, 0.19, 0.008, 0.002])
    harmless = torch.tensor([0.1, 0.3, 0.0, 0.0, 0.6])
    assert select_refusal_tokens(harmful, harmless) == [0, 2]


def test_causal_scores_equal_those_of_handwritten_hooks(access, prompts):
    """With one direction ablated from everything that writes, and added after one block."""
    generator = np.random.default_rng(0)
    row = generator.standard_normal(16)
    row /= np.linalg.norm(row)
    candidate = Candidate(1, row[None], 0.7 * row)
    halves = ids(prompts, "harmful"), ids(prompts, "harmless")
    table, facts = ModelScores(access).score([candidate], fit=halves, held_out=halves, refusal_tokens=["w3", "w7"])
    tokens = [access.tokenizer.convert_tokens_to_ids(word) for word in ("w3", "w7")]
    model, r = access.model, torch.from_numpy(row).float()
    harmful, harmless = (access.encode(half) for half in halves)
    plain = access.log_probabilities(harmless)
    # the whole stream is orthogonal to r if and only if every write is: project it before and after each block
    ablate = [
        model.model.embed_tokens.register_forward_hook(lambda _m, _i, out: out - (out @ r)[..., None] * r),
        *(
            part.register_forward_hook(lambda _m, _i, out: out - (out @ r)[..., None] * r)
            for layer in model.model.layers
            for part in (layer.self_attn.o_proj, layer.mlp.down_proj)
        ),
    ]
    bypass = refusal_score(access.log_probabilities(harmful), tokens)
    moved = float(divergence(plain, access.log_probabilities(harmless)).mean())
    for handle in ablate:
        handle.remove()
    handle = model.model.layers[1].register_forward_hook(lambda _m, _i, out: out + 0.7 * r)
    induce = refusal_score(access.log_probabilities(harmless), tokens)
    handle.remove()
    assert table.iloc[0].to_dict() == pytest.approx({"bypass": bypass, "induce": induce, "divergence": moved}, rel=1e-4)
    assert facts["baseline_harmless"] == pytest.approx(refusal_score(plain, tokens))
    assert facts["refusal_tokens"] == ["w3", "w7"]


def test_model_with_identical_response_starts_has_no_valid_direction(access, activations, prompts):
    settings = {"method": "mean_difference", "layer": "causal"}
    found = find_direction(settings, activations, seed=0, model=ModelMeasurements(access))
    assert not found.valid
    assert "begin alike" in found.reason or "candidates" in found.reason
    assert {"bypass", "induce", "divergence", "valid"} <= set(found.selection.columns)


def test_causal_search_finds_a_direction_when_the_bounds_allow(access, activations):
    causal = {"max_divergence": 100.0, "min_induce": -100.0, "refusal_tokens": ["w3"], "max_depth": 1.0}
    found = find_direction(
        {"method": "mean_difference", "layer": "causal", "causal": causal},
        activations,
        seed=0,
        model=ModelMeasurements(access),
    )
    if found.valid:
        assert found.selection.loc[found.selection["selected"], "bypass"].iloc[0] == -found.score
        assert found.score == -found.selection.loc[found.selection["valid"], "bypass"].min()
    else:
        assert "do not lower" in found.reason


def test_token_keys_are_the_inputs_of_the_down_projection(access, prompts):
    encoded = access.encode(prompts["prompt_id"].tolist())
    keys = token_keys(access, encoded, 1)
    seen = []
    handle = access.model.model.layers[1].mlp.down_proj.register_forward_hook(
        lambda _module, inputs, _output: seen.append(inputs[0][0])
    )
    for rows, tokens in zip(keys, encoded, strict=True):
        with torch.no_grad():
            access.model(torch.tensor([tokens]))
        np.testing.assert_allclose(rows, seen[-1].numpy(), atol=1e-5)
    handle.remove()


@pytest.mark.parametrize("count", [5, 50])
def test_moment_is_solved_by_the_smaller_system(count):
    generator = np.random.default_rng(0)
    keys, key = generator.standard_normal((count, 12)), generator.standard_normal(12)
    moment = keys.T @ keys / count + 0.01 * (keys**2).mean() * np.eye(12)
    np.testing.assert_allclose(solve_moment(keys, key), np.linalg.solve(moment, key), rtol=1e-8)


def test_rank_one_edit_works_from_entry_to_checkpoint(access, activations, checkpoint, prompts, tmp_path):
    entry = {"method": "mean_difference", "layer": 1, "keys_layer": 1}
    direction = find_direction(entry, activations, seed=0, model=ModelMeasurements(access))
    direction.save(tmp_path / "direction.safetensors")
    manifest = bake(
        checkpoint, tmp_path / "direction.safetensors", {"method": "rank_one", "layer": 1}, tmp_path / "out"
    )
    assert manifest["effective"]
    assert [tensor["name"] for tensor in manifest["tensors"]] == ["model.layers.1.mlp.down_proj.weight"]
    key = torch.from_numpy(direction.tensors["key"])
    before, after = (
        load_model(path, device="cpu").model.layers[1].mlp.down_proj.weight for path in (checkpoint, tmp_path / "out")
    )
    shift = direction.tensors["harmless_means"][1] - direction.tensors["harmful_means"][1]
    np.testing.assert_allclose(((after - before) @ key).detach().numpy(), shift, atol=1e-5)


def test_keys_of_a_missing_block_raise(access, prompts):
    with pytest.raises(ConfigError, match="3 blocks"):
        rank_one_tensors(access, ids(prompts, "harmful"), ids(prompts, "harmless"), 3, -1, 0)


def test_contrast_by_behavior_uses_the_judges_verdicts(activations, prompts):
    verdicts = pd.DataFrame({"prompt_id": prompts["prompt_id"], "sample": 0})
    verdicts["verdict"] = ["refusal" if index < 5 else "non_refusal" for index in range(12)]
    entry = {"method": "mean_difference", "layer": 1, "contrast": "behavior", "judge": "regex"}
    found = find_direction(entry, activations, seed=0, judgments=verdicts)
    states = np.concatenate([activations.harmful.at(1, 0), activations.harmless.at(1, 0)])
    order = [*activations.harmful.prompt_ids, *activations.harmless.prompt_ids]
    refused = np.array([prompt_id in set(prompts["prompt_id"][:5]) for prompt_id in order])
    difference = states[refused].mean(axis=0) - states[~refused].mean(axis=0)
    assert found.directions[0] @ difference == pytest.approx(np.linalg.norm(difference), rel=1e-5)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"contrast": "behaviour"}, "did you mean 'behavior'"),
        ({"contrast": "behavior"}, "needs a judge"),
        ({"judge": "regex"}, "takes none"),
        ({"keys_layer": "last"}, "keys_layer"),
    ],
)
def test_invalid_direction_entries_are_rejected(entry, message):
    with pytest.raises(ConfigError, match=message):
        read_settings({"method": "mean_difference", **entry})


def test_direction_settings_declare_what_they_need():
    assert read_settings({"method": "mean_difference", "layer": "causal"}).needs_model
    assert read_settings({"method": "random", "keys_layer": 1}).needs_model
    assert not read_settings({"method": "mean_difference"}).needs_model
    assert read_settings({"method": "pca", "contrast": "behavior", "judge": "regex"}).judge == "regex"


@pytest.mark.parametrize(
    ("entry", "message"),
    [({"layer": "causal"}, "need the model"), ({"contrast": "behavior", "judge": "regex"}, "verdicts")],
)
def test_missing_model_or_verdicts_of_an_entry_raise(activations, entry, message):
    with pytest.raises(ConfigError, match=message):
        find_direction({"method": "mean_difference", **entry}, activations, seed=0)
