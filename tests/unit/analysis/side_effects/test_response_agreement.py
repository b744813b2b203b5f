"""The check of responses against weights: right ones pass, and those of other weights fail."""

import pandas as pd
import pytest
from tests.unit.analysis.side_effects.conftest import subject_of

from steadfast.analysis.side_effects import measures_of_gates
from steadfast.analysis.side_effects.scores import score_table
from steadfast.analysis.side_effects.weights.response_agreement import Settings, build
from steadfast.attacks.gates import NOT_MEASURED, RESPONSES, verification_of
from steadfast.generation.responses import generate_responses

NAME = "response_agreement"


@pytest.fixture(scope="module")
def answered(lively, edited, table):
    """What the original and the edited model answer, greedily."""
    settings = {"max_new_tokens": 12}
    return {folder: generate_responses(folder, table, settings=settings, device="cpu") for folder in (lively, edited)}


def verify(lively, edited, table, responses: pd.DataFrame | None):
    """What the gates say of responses of the edited model."""
    measure = build(Settings(intervention_prompts=8))
    original = subject_of("original", lively, table, None)
    subject = subject_of("abliterated", edited, table, None, greedy_responses=responses)
    scores = measure.score(subject, measure.reference(original, [original, subject]))
    return verification_of(score_table("steadfast.analysis.side_effects.weights", {NAME: scores}), measures_of_gates())


def test_responses_of_the_edited_weights_pass(lively, edited, table, answered):
    found = verify(lively, edited, table, answered[edited])
    assert found.response_share == 1 and not found.failures
    assert not answered[edited]["response"].equals(answered[lively]["response"]), "the edit changes what is said"


def test_responses_of_the_original_weights_fail(lively, edited, table, answered):
    (failure,) = verify(lively, edited, table, answered[lively]).failures
    assert failure.gate == RESPONSES and failure.ratio > 1 and "transformers" in failure.remedy
    assert "the original's weights 100%" in failure.reason


def test_responses_in_other_tokens_than_their_text_are_left_out(lively, edited, table, answered):
    """Garble is often written in tokens that its text would not be split into; the text alone proves nothing."""
    foreign = answered[lively].assign(n_tokens=answered[lively]["n_tokens"] + 1)
    found = verify(lively, edited, table, foreign)
    assert not found.failures and pd.isna(found.response_share)
    some = pd.concat([foreign.iloc[:4], answered[edited].iloc[4:]])
    assert verify(lively, edited, table, some).response_share == 1


def test_sampled_responses_and_thinking_are_not_checked(lively, edited, table, answered):
    thinking = answered[lively].assign(thinking="Let me see.")
    for responses in (None, thinking, answered[lively].iloc[:0]):
        found = verify(lively, edited, table, responses)
        assert not found.failures and found.verified == NOT_MEASURED
        assert pd.isna(found.response_share)
