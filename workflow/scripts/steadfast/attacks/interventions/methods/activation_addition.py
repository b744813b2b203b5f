"""Steering: x ← x + α·v at every token after one block (Turner et al. 2023; Arditi et al. 2024, section 2.4).

v is the difference of the class means along the directions, so that α = 1 moves the harmless mean to the harmful mean
and α = −1 the reverse; or, with ``unit: state``, the first direction times the mean norm of the harmless prompts'
states.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steadfast.attacks.directions import Direction, resolve_layer
from steadfast.attacks.directions.settings import BlockIndex, DepthFraction
from steadfast.attacks.edits.settings import ChangeSettings
from steadfast.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from transformers import PreTrainedModel


Unit = Literal["difference", "state"]


class Settings(ChangeSettings):
    """Steering, x + α·v after one block (Turner et al. 2023)."""

    scale_key: ClassVar[str | None] = "alpha"
    needs_class_means: ClassVar[bool] = True
    needs_block: ClassVar[bool] = True
    moves_both_classes: ClassVar[bool] = True

    alpha: float = Field(
        ge=-1000,
        le=1000,
        description="Steering coefficient α, in units of `unit`; negative values steer away from refusal.",
    )
    layer: BlockIndex | DepthFraction | None = Field(
        None,
        description=(
            "Block after which the vector is added, by index or as a fraction of the depth; null takes that of "
            "the direction."
        ),
    )
    unit: Unit = Field(
        "difference",
        description=(
            "The vector for α = 1: the `difference` of the class means along the directions, or the first "
            "direction times the mean norm of the harmless prompts' `state`."
        ),
    )


@dataclass(frozen=True)
class ActivationAddition:
    """Adds a multiple of a vector to the residual stream; see ``build`` for the fields."""

    alpha: float
    layer: int | float | None
    unit: Unit

    def attach(self, model: "PreTrainedModel", direction: Direction) -> AbstractContextManager[None]:
        """Context in which the vector is added after the block.

        Raises:
            ConfigError: no layer is given and the direction belongs to none.
            DataError: the direction file lacks the class means.
        """
        import torch

        from steadfast.attacks.activations.extraction import decoder_blocks
        from steadfast.attacks.interventions.modules import add, changed_outputs

        blocks = decoder_blocks(model)
        layer = self.layer
        if layer is None:
            if not direction.layer.isdigit():
                raise ConfigError("activation_addition: the direction belongs to no block; set layer")
            layer = int(direction.layer)
        block = blocks[resolve_layer(layer, len(blocks))]
        return changed_outputs([(block, add(torch.from_numpy(self.alpha * self.vector(direction))))])

    def vector(self, direction: Direction) -> NDArray[np.float64]:
        """The vector added for α = 1, float64 [hidden]."""
        rows = direction.directions.astype(np.float64)
        needed = ("harmful_mean", "harmless_mean") if self.unit == "difference" else ("harmless_norm",)
        for name in needed:
            if name not in direction.tensors:
                raise DataError(f"activation_addition: the direction file lacks {name!r}")
        if self.unit == "state":
            scaled: NDArray[np.float64] = rows[0] * float(direction.tensors["harmless_norm"][0])
            return scaled
        difference = direction.tensors["harmful_mean"].astype(np.float64) - direction.tensors["harmless_mean"]
        within: NDArray[np.float64] = rows.T @ (rows @ difference)
        return within


def build(settings: Settings) -> ActivationAddition:
    """The hook."""
    return ActivationAddition(settings.alpha, settings.layer, settings.unit)
