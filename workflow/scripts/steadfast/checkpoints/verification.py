"""The hook-versus-baked check: an edited checkpoint must answer as the original with hooks on the edited modules.

The two ways share no code that touches weights: baking edits files, the hooks project what modules of the loaded
original write. If a tensor was missed, laid out otherwise or saved wrongly, the two differ.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from steadfast.causal import ModelAccess
from steadfast.directions import load_direction
from steadfast.edits import Edit, build_edit
from steadfast.edits._projection import ProjectionEdit
from steadfast.hooks.projection import ProjectionHook
from steadfast.logits import divergence

# largest mean divergence (nats) that the rounding of weights and activations to a dtype explains
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
    built: Edit = build_edit(edit)
    direction = load_direction(direction_path)
    if not isinstance(built, ProjectionEdit) or built.preserve_norm or not direction.valid:
        return {"applicable": False, "reason": "no projection of module outputs does what this edit does"}
    original = ModelAccess(source, prompts, **access)
    encoded = original.encode([str(prompt_id) for prompt_id in prompts["prompt_id"]])
    plain = original.log_probabilities(encoded)
    with ProjectionHook(built.rescaled(scale_factor)).attach(original.model, direction):
        hooked = original.log_probabilities(encoded)
    edited = ModelAccess(baked, prompts, **access)
    answers = edited.log_probabilities(encoded)
    found = float(divergence(hooked, answers).mean())
    tolerance = TOLERANCES.get(str(edited.model.dtype), max(TOLERANCES.values()))
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
