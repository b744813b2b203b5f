"""The hook-versus-baked check: an edited checkpoint must answer as the original with hooks on the edited modules.

The two ways share no code that touches weights: baking edits files, the hooks project what modules of the loaded
original write. If a tensor was missed, laid out otherwise or saved wrongly, the two differ.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import Tensor

from steadfast.causal import ModelAccess
from steadfast.directions import Direction, load_direction
from steadfast.edits import Edit, build_edit
from steadfast.edits._projection import ProjectionEdit
from steadfast.hooks.projection import ProjectionHook
from steadfast.logits import divergence

TOLERANCES = {"torch.float32": 1e-6, "torch.float16": 1e-3, "torch.bfloat16": 2e-2}


def verify_edit(
    source: str | Path,
    baked: str | Path,
    direction_path: str | Path,
    edit: Mapping[str, Any],
    prompts: pd.DataFrame,
    *,
    scale_factor: float = 1.0,
    **access: Any,
) -> dict[str, Any]:
    """Compare next-token distributions of the hooked original and the baked checkpoint.

    Args:
        source: the original's model directory.
        baked: the edited checkpoint.
        direction_path: the direction file.
        edit: the ``edit`` stanza.
        prompts: columns ``prompt_id``, ``text``.
        scale_factor: what baking multiplied the scale with (``scale_factor`` of the manifest).
        access: further fields of ``steadfast.causal.ModelAccess``.

    Returns:
        ``applicable`` (whether hooks on modules can do what the edit does) with a ``reason``, ``divergence``
        (mean KL in nats, hooked ‖ baked), ``unedited_divergence`` (original ‖ baked, to compare with),
        ``tolerance`` and ``agrees``.
    """
    original = ModelAccess(source, prompts, **access)
    encoded = original.encode([str(prompt_id) for prompt_id in prompts["prompt_id"]])
    plain = original.log_probabilities(encoded)
    hooked = hooked_log_probabilities(original, load_direction(direction_path), edit, encoded, scale_factor)
    if hooked is None:
        return {"applicable": False, "reason": "no projection of module outputs does what this edit does"}
    edited = ModelAccess(baked, prompts, **access)
    answers = edited.log_probabilities(encoded)
    found = float(divergence(hooked, answers).mean())
    tolerance = tolerance_of(edited.model.dtype)
    return {
        "applicable": True,
        "reason": "",
        "divergence": found,
        "unedited_divergence": float(divergence(plain, answers).mean()),
        "tolerance": tolerance,
        "agrees": found <= tolerance,
        "prompts": len(prompts),
        "dtype": str(edited.model.dtype).removeprefix("torch."),
    }


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
