"""Measures of the weights, compared with what is computed by hand."""

import numpy as np
import pytest
import torch
from tests.unit.analysis.side_effects.conftest import EDIT, subject_of
from transformers import LlamaForCausalLM

from steadfast.analysis.side_effects.weights import divergence, hook_agreement, perplexity, separation
from steadfast.attacks.activations import extract_activations
from steadfast.attacks.activations.logits import pooled_divergence
from steadfast.attacks.directions import Direction, load_direction


@pytest.fixture
def subject(table, responses, direction):
    def make(variant, folder, **fields):
        changed = {"direction_path": direction, "edit": EDIT} if variant != "original" else {}
        return subject_of(variant, folder, table, responses, **{**changed, **fields})

    return make


@pytest.fixture
def original(subject, lively):
    return subject("original", lively)


@pytest.fixture
def variant(subject, edited):
    return subject("abliterated", edited)


def by_hand(folder, prefix, continuation):
    """Log-probabilities before every token of a continuation, one sequence at a time, in float64."""
    model = LlamaForCausalLM.from_pretrained(folder).double().eval()
    with torch.no_grad():
        logits = model(torch.tensor([[*prefix, *continuation]])).logits[0]
    return torch.log_softmax(logits[len(prefix) - 1 : -1], dim=-1)


def test_divergence_is_averaged_over_responses_of_the_original(original, variant, lively, edited):
    measure = divergence.build(divergence.Settings(answer_tokens=2))
    reference = measure.reference(original, [variant])
    scores = {score.item: score for score in measure.score(variant, reference)}
    assert len(scores) == 6, "harmless prompts only"
    for place in (0, 3):
        prefix, answer = reference.prefixes[place], reference.continuations[place]
        assert len(answer) == 2
        before, after = by_hand(lively, prefix, answer), by_hand(edited, prefix, answer)
        expected = float((before.exp() * (before - after)).sum(-1).mean())
        found = scores[reference.prompt_ids[place]]
        assert found.value == pytest.approx(expected, rel=1e-3)
        assert (found.weight, found.original) == (2, 0)
    assert measure.score(original, reference) == []


def test_identical_checkpoint_has_zero_divergence(original, subject, lively):
    measure = divergence.build(divergence.Settings())
    reference = measure.reference(original, [])
    assert max(score.value for score in measure.score(subject("copy", lively), reference)) < 1e-6


def test_pooling_outcomes_never_raises_the_divergence():
    torch.manual_seed(0)
    p, q = (torch.log_softmax(torch.randn(50, dtype=torch.float64) * 2, -1) for _ in range(2))
    whole = float((p.exp() * (p - q)).sum())
    order = p.argsort(descending=True)
    pooled = [float(pooled_divergence(p[order[:kept]], q[order[:kept]])) for kept in (5, 20, 49, 50)]
    assert pooled == sorted(pooled)
    assert pooled[-1] == pytest.approx(whole, rel=1e-6)
    assert 0 < pooled[0] < whole


def test_perplexity_covers_every_token_after_the_first(original, variant, lively, edited, tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("w1 w2 w3 w4 w5\nw9 w8\nw7 w7 w7 w7 w7 w7 w7 w7\n")
    measure = perplexity.build(
        perplexity.Settings(text={"kind": "file", "path": str(text)}, documents=2, document_tokens=4)
    )
    reference = measure.reference(original, [variant])
    scores = measure.score(variant, reference)
    assert [score.weight for score in scores] == [4, 2]
    ids = original.access.tokenizer("w1 w2 w3 w4", add_special_tokens=False)["input_ids"]
    begin = original.access.tokenizer.bos_token_id
    for folder, found in ((edited, scores[0].value), (lively, scores[0].original)):
        expected = -float(by_hand(folder, [begin], ids)[range(4), ids].mean())
        assert found == pytest.approx(expected, rel=1e-4)
    own = measure.score(original, reference)
    assert [score.value for score in own] == [score.original for score in own]


def mean(scores, what):
    return np.average([getattr(score, what) for score in scores], weights=[score.weight for score in scores])


def test_separation_is_the_standardized_label_difference(original, variant, lively, table):
    measure = separation.build(separation.Settings())
    reference = measure.reference(original, [variant])
    scores = measure.score(variant, reference)
    states = extract_activations(lively, table, device="cpu")
    axis = load_direction(variant.direction_path).directions[0].astype(float)
    gaps = []
    for layer in range(3):
        harmful, harmless = (group.at(layer, 0) @ axis for group in (states.harmful, states.harmless))
        spread = np.sqrt((harmful.var() + harmless.var()) / 2)
        gaps.append(abs(harmful.mean() - harmless.mean()) / spread)
    assert min(abs(mean(scores, "original") - gap) for gap in gaps) < 1e-3
    assert abs(mean(scores, "value")) < 1e-5
    assert {score.stratum for score in scores} == {"harmful", "harmless"}


def test_separation_takes_the_block_with_the_largest_residual():
    """Classes apart by 4 after both blocks; the edit reaches the first block and not the second."""
    harmful = np.array([True, True, False, False])
    before = np.zeros((4, 3, 2), dtype=np.float32)
    before[:, :, 0] = np.where(harmful, 2, -2)[:, None] + np.array([0.5, -0.5, 0.5, -0.5])[:, None]
    after = before.copy()
    after[:, 0, 0] = 0
    axis = Direction(np.array([[1, 0]], dtype=np.float32), "file", layer="0", position=-1)
    scores = separation.separation_scores(axis, before, after, list("abcd"), harmful)
    assert mean(scores, "value") == pytest.approx(mean(scores, "original")) == pytest.approx(8)


@pytest.mark.parametrize(("method", "left"), [("orthogonalize", 0.5), ("projected", 0.0), ("biprojected", 1.0)])
def test_separation_is_measured_along_the_removed_direction(method, left):
    """The harmless mean points along the second axis, and after the second block along the first as well."""
    harmful = np.array([True, True, False, False])
    before = np.zeros((4, 3, 3), dtype=np.float32)
    before[:, :, :2] = np.where(harmful, 2, -2)[:, None, None]
    before[:, :, 2] = np.where(harmful, 1, -1)[:, None]
    after = before.copy()
    after[:, :, 0] = 0
    means = {
        "harmless_mean": np.array([0, 1, 0], dtype=np.float32),
        "harmless_means": np.array([[0, 1, 0], [1, 0, 0]], dtype=np.float32),
    }
    rows = np.array([[1, 1, 0]], dtype=np.float32) / np.sqrt(np.float32(2))
    if method == "biprojected":
        rows = np.array([[1, 1, 1]], dtype=np.float32) / np.sqrt(np.float32(3))
    axis = Direction(rows, "file", layer="0", position=-1, tensors=means)
    scores = separation.separation_scores(axis, before, after, list("abcd"), harmful, {"method": method})
    assert mean(scores, "value") / mean(scores, "original") == pytest.approx(left, abs=1e-6)


def test_hook_agreement_accepts_only_the_baked_checkpoint(original, variant, subject, lively):
    measure = hook_agreement.build(hook_agreement.Settings(intervention_prompts=3))
    reference = measure.reference(original, [variant])
    agreeing = measure.score(variant, reference)
    assert len(agreeing) == 6
    assert mean(agreeing, "value") < 0.01
    unedited = measure.score(subject("abliterated", lively), reference)
    assert mean(unedited, "value") == pytest.approx(mean(agreeing, "original"), rel=1e-3)
    assert mean(unedited, "value") > 10


def test_edit_checks_without_direction_give_no_scores(original, subject, lively):
    plain = subject("other", lively, direction_path=None, edit=None)
    for measure in (separation.build(separation.Settings()), hook_agreement.build(hook_agreement.Settings())):
        assert measure.score(plain, measure.reference(original, [plain])) == []


def test_intervention_is_measured_while_attached(original, variant, subject, lively):
    """A projection hook does what the edit does, so its side effects are the same."""
    hook = {"method": "projection", "targets": EDIT["targets"]}
    hooked = subject("hooked", lively, edit=None, hook=hook)
    measure = divergence.build(divergence.Settings())
    reference = measure.reference(original, [hooked, variant])
    with hooked.running():
        found = measure.score(hooked, reference)
    assert mean(found, "value") == pytest.approx(mean(measure.score(variant, reference), "value"), rel=1e-3)
    assert "model" not in vars(hooked.access), "its weights are given up"
