"""The hook-versus-baked check: an edited checkpoint must answer as the original with hooks on the edited modules.

The two ways share no code that touches weights: baking edits files, the hooks project what modules of the loaded
original write. If a tensor was missed, laid out otherwise or saved wrongly, the two differ.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from steadfast.causal import ModelAccess
from steadfast.directions import Direction
from steadfast.edits import Edit, build_edit
from steadfast.edits._projection import ProjectionEdit
from steadfast.hooks.projection import ProjectionHook

FLOAT32_TOLERANCE = 1e-6
TOLERANCES_PER_BLOCK = {"torch.float16": 5e-6, "torch.bfloat16": 2.5e-4}
"""In 16 bits the rounding of every block adds up. Correct edits of the tiny models, four blocks deep, diverge by up to
4e-6 and 2.6e-4 nats; with every block repeated 16 times, by up to 1.2e-5 and 1e-3. In float32 it is 5e-13."""


def hooked_log_probabilities(
    original: ModelAccess,
    direction: Direction,
    edit: Mapping[str, Any],
    encoded: Sequence[Sequence[int]],
    scale_factor: float = 1.0,
) -> Tensor | None:
    """Next-token log-probabilities of the original with hooks in place of an edit.

    Args:
        original: the original model.
        direction: the edit's direction.
        edit: the ``edit`` stanza.
        encoded: token ids of each prompt.
        scale_factor: what baking multiplied the scale with.

    Returns:
        float64 [prompts, vocabulary]; None where no projection of module outputs does what the edit does.
    """
    built: Edit = build_edit(edit)
    if not isinstance(built, ProjectionEdit) or built.preserve_norm or not direction.valid:
        return None
    with ProjectionHook(built.rescaled(scale_factor)).attach(original.model, direction):
        return original.log_probabilities(encoded)


def tolerance_of(dtype: torch.dtype, depth: int) -> float:
    """Largest mean divergence (nats) that rounding to a dtype explains in a model of ``depth`` blocks."""
    per_block = TOLERANCES_PER_BLOCK.get(str(dtype))
    return FLOAT32_TOLERANCE if per_block is None else per_block * depth
