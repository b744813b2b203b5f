"""Directions by gradient descent: the gradient against differences, the loss against causal scores."""

import numpy as np
import pytest
import torch

from steadfast.attacks.activations import extract_activations
from steadfast.attacks.activations.logits import divergence
from steadfast.attacks.direction_search import gradient
from steadfast.attacks.direction_search.measurements import ModelMeasurements
from steadfast.attacks.direction_search.refusal_score import ModelAccess, refusal_score
from steadfast.attacks.direction_search.search import find_direction, read_settings
from steadfast.attacks.directions import Descent, Direction
from steadfast.attacks.interventions.methods import projection
from steadfast.core.errors import ConfigError

TOKENS = [7, 9, 11]
DESCENT = Descent(steps=8, batch=4, learning_rate=0.05, divergence_weight=2.0)


@pytest.fixture
def access(checkpoint, prompts):
    return ModelAccess(checkpoint, prompts, device="cpu", dtype="float32")


@pytest.fixture
def ids(prompts):
    return tuple(prompts.loc[prompts["label"] == label, "prompt_id"].tolist() for label in ("harmful", "harmless"))


@pytest.fixture
def rows():
    return np.linalg.qr(np.random.default_rng(0).standard_normal((16, 2)))[0].T


def examples_of(access, ids):
    harmful, harmless = (access.encode(group) for group in ids)
    return gradient.Examples(harmful, harmless, access.log_probabilities(harmless))


def test_gradient_loss_equals_that_of_directional_ablation(access, ids, rows):
    examples = examples_of(access, ids)
    places = gradient.output_modules(access.model)
    tensor = torch.tensor(rows, dtype=torch.float32)
    with torch.no_grad():
        refusals, moved = gradient._parts(access, places, tensor, examples, TOKENS)
    hook = projection.build(projection.Settings.read({}))
    with hook.attach(access.model, Direction(rows.astype(np.float32), "test")):
        expected = refusal_score(access.log_probabilities(examples.harmful), TOKENS)
        ablated = access.log_probabilities(examples.harmless)
    assert float(refusals) == pytest.approx(expected, abs=1e-4)
    assert float(moved) == pytest.approx(float(divergence(examples.reference, ablated).mean()), abs=1e-4)


def test_gradient_agrees_with_finite_differences(access, ids, rows):
    examples = examples_of(access, ids)
    places = gradient.output_modules(access.model)
    moving = torch.tensor(rows, dtype=torch.float32, requires_grad=True)
    gradient._loss(access, places, moving, examples, TOKENS, DESCENT).backward()
    generator = torch.Generator().manual_seed(1)
    for _ in range(3):
        step = torch.randn(moving.shape, generator=generator)
        ends = [
            gradient._whole_loss(access, places, moving.detach() + sign * 1e-2 * step, examples, TOKENS, DESCENT)
            for sign in (1, -1)
        ]
        assert float((moving.grad * step).sum()) == pytest.approx((ends[0] - ends[1]) / 2e-2, rel=0.05, abs=2e-3)


def test_descent_lowers_the_loss_without_changing_the_model(access, ids, rows):
    before = {name: value.clone() for name, value in access.model.state_dict().items()}
    found, facts = gradient.descend(access, rows, ids, TOKENS, DESCENT, 0)
    np.testing.assert_allclose(found @ found.T, np.eye(2), atol=1e-6)
    assert facts["loss_after"] < facts["loss_before"] and 0 <= facts["cosine_with_start"] < 1
    measured = gradient._whole_loss(
        access,
        gradient.output_modules(access.model),
        torch.tensor(found, dtype=torch.float32),
        examples_of(access, ids),
        TOKENS,
        DESCENT,
    )
    assert measured == pytest.approx(facts["loss_after"], abs=1e-4)
    assert all(torch.equal(value, before[name]) for name, value in access.model.state_dict().items())
    again, _ = gradient.descend(access, rows, ids, TOKENS, DESCENT, 0)
    assert (again == found).all()


def test_gradient_is_available_as_direction_method(access, prompts, checkpoint):
    entry = {"method": "gradient", "layer": 1, "steps": 3, "batch": 2, "refusal_tokens": ["w3", "a"]}
    assert read_settings(entry).needs_model
    activations = extract_activations(checkpoint, prompts)
    found = find_direction(entry, activations, seed=0, model=ModelMeasurements(access))
    start = find_direction({"method": "mean_difference", "layer": 1}, activations, seed=0)
    assert found.method == "gradient" and found.layer == "1" and found.directions.shape == (1, 16)
    assert found.details["gradient"]["cosine_with_start"] == pytest.approx(
        float(found.directions[0] @ start.directions[0]), abs=1e-5
    )
    assert "half_directions" not in found.tensors and "harmless_means" in found.tensors
    with pytest.raises(ConfigError, match="need the model"):
        find_direction(entry, activations, seed=0)
