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

TOLERANCES = {"torch.float32": 1e-6, "torch.float16": 1e-3, "torch.bfloat16": 2e-2}


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


def tolerance_of(dtype: torch.dtype) -> float:
    """Largest mean divergence (nats) that rounding to a dtype explains."""
    return TOLERANCES.get(str(dtype), max(TOLERANCES.values()))
