"""Directions improved by gradient descent through the model (Wollschläger et al. 2025).

They start as the difference of means at a location, and are optimized so that their ablation lowers the refusal score
of harmful prompts and preserves the next-token distributions after harmless ones.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from pydantic import Field

from steadfast.attacks.activations import Activations
from steadfast.attacks.directions import HALF_DIRECTIONS, CausalScores, Descent, Direction
from steadfast.attacks.directions.contrast import ContrastMethod, contrast_method
from steadfast.attacks.directions.methods.mean_difference import NAME, MeanDifference
from steadfast.attacks.directions.settings import ContrastSettings
from steadfast.core.errors import ConfigError
from steadfast.core.settings import Items, Text


class Settings(ContrastSettings):
    """The difference of the means, improved by gradient descent (Wollschläger et al. 2025)."""

    steps: int = Field(60, ge=1, le=100_000, description="Steps of gradient descent.")
    batch: int = Field(8, ge=1, le=10_000, description="Prompts of each label in a step.")
    learning_rate: float = Field(0.02, gt=0, le=10, description="Learning rate of Adam.")
    divergence_weight: float = Field(
        5.0,
        ge=0,
        le=1e6,
        description="Weight of the divergence on harmless prompts (nats) relative to the refusal score (log odds).",
    )
    refusal_tokens: Items[Text] | None = Field(
        None,
        min_length=1,
        description=(
            "Texts whose first tokens count as the beginning of a refusal; null takes them from the model's own "
            "responses."
        ),
    )


@dataclass(frozen=True)
class Gradient:
    """See the module.

    Attributes:
        start: finds the initial directions and their location.
        descent: settings of the descent.
        is_causal: they are found by running the model.
    """

    start: ContrastMethod
    descent: Descent
    is_causal: bool = True

    def find(self, activations: Activations, *, seed: int, causal: CausalScores | None = None) -> Direction:
        """Find the start, then descend on all calibration prompts."""
        if causal is None:
            raise ConfigError("method: gradient needs the model, to follow the gradient through it")
        found = self.start.find(activations, seed=seed, causal=causal)
        if not found.valid:
            return replace(found, method="gradient")
        prompts = activations.harmful.prompt_ids, activations.harmless.prompt_ids
        rows, facts = causal.descend(found.directions.astype(np.float64), prompts, self.descent, seed)
        if facts.get("reason"):
            nothing = np.zeros((0, activations.hidden_size), dtype=np.float32)
            return replace(found, directions=nothing, method="gradient", reason=str(facts["reason"]))
        # the directions of one half of the prompts and their stability describe the initial directions
        tensors = {name: values for name, values in found.tensors.items() if name != HALF_DIRECTIONS}
        kept = {name: value for name, value in found.details.items() if name not in ("held_out", "stability")}
        details: dict[str, Any] = {**kept, "gradient": dict(facts)}
        return replace(found, directions=rows.astype(np.float32), method="gradient", tensors=tensors, details=details)


def build(settings: Settings) -> Gradient:
    """The method.

    Raises:
        ConfigError: its settings contradict each other.
    """
    start = contrast_method(NAME, MeanDifference(), settings)
    tokens = None if settings.refusal_tokens is None else tuple(settings.refusal_tokens)
    descent = Descent(settings.steps, settings.batch, settings.learning_rate, settings.divergence_weight, tokens)
    return Gradient(replace(start, resamples=0), descent)
