"""Activations with a known difference between the classes."""

import numpy as np
import pytest

from steadfast.attacks.activations import Activations, ClassActivations

DEPTH, HIDDEN, PROMPTS = 5, 8, 40


@pytest.fixture
def activations():
    """At block 3, position -1, the classes differ most along the third axis; everywhere else they hardly do."""
    generator = np.random.default_rng(0)
    groups = []
    for sign in (1, -1):
        blocks = generator.standard_normal((PROMPTS, 2, DEPTH, HIDDEN)).astype(np.float32)
        blocks[:, 1, 3, 2] += 3 * sign
        blocks[:, 0, 1, 2] += 1 * sign
        final = generator.standard_normal((PROMPTS, 2, HIDDEN)).astype(np.float32)
        final[:, 1, 5] += 6 * sign
        ids = tuple(f"{sign}-{index}" for index in range(PROMPTS))
        groups.append(ClassActivations(blocks, final, ids, tuple(f"c{index % 3}" for index in range(PROMPTS))))
    return Activations(*groups, positions=(-2, -1), template_tokens=("<end>", "<assistant>"), model="tiny")
