"""A rank-one edit of one MLP output projection (ROME; Meng et al. 2022, equation 2).

The layer is viewed as an associative memory of keys k (the inputs of the projection) and values Wk. The edit maps the
harmful prompts' mean key k* to v* = Wk* + s(m₋ − m₊), where m₊ and m₋ are the mean states of the harmful and the
harmless prompts after that block, while the values of other keys change least: W′ = W + (v* − Wk*)(C⁻¹k*)ᵀ /
(k*ᵀC⁻¹k*), with C the keys' second moment.
"""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from steadfast.attacks.directions import Direction, resolve_layer
from steadfast.attacks.directions.settings import BlockIndex, DepthFraction
from steadfast.attacks.edits import Block, Site
from steadfast.attacks.edits.settings import ChangeSettings
from steadfast.core.errors import ConfigError, DataError
from steadfast.models.architectures import Writer
from steadfast.models.checkpoint_files.low_rank import LowRankUpdate


class Settings(ChangeSettings):
    """Closed-form update of one MLP output projection (ROME, Meng et al. 2022)."""

    scale_key: ClassVar[str | None] = "scale"
    needs_contrast: ClassVar[bool] = True
    needs_keys: ClassVar[bool] = True

    layer: BlockIndex | DepthFraction = Field(
        description="Block whose MLP output projection is edited, by index or as a fraction of the depth."
    )
    scale: float = Field(
        1.0,
        ge=-1000,
        le=1000,
        description="1 moves the output for the mean harmful key by the full difference of the class means.",
    )


@dataclass(frozen=True)
class RankOne:
    """The edit; ``layer`` is the index of the edited block, or a fraction of the depth."""

    layer: int | float
    scale: float

    def selects(self, writer: Writer, depth: int) -> bool:
        """Whether a tensor is the block's MLP output projection.

        Raises:
            ConfigError: the model has no such block.
        """
        layer = resolve_layer(self.layer, depth)
        return writer.target == "mlp_output" and writer.layer == layer and not writer.bias

    def update(self, site: Site, direction: Direction) -> "RankOneUpdate":
        """A new update.

        Raises:
            ConfigError: the projection is a mixture of experts, or a norm follows it.
            DataError: the direction file holds no keys, or those of another block.
        """
        writer = site.writer
        if site.gain is not None or writer.expert:
            raise ConfigError(
                f"rank_one: {writer.name} is followed by a norm or is one of several experts, not one memory"
            )
        recorded = direction.details.get("keys_layer")
        if recorded is None:
            raise DataError("rank_one needs keys; the direction was found without keys_layer")
        if recorded != writer.layer:
            raise DataError(f"rank_one: the direction holds keys of block {recorded}, the edit asks for {writer.layer}")
        tensors = {name: direction.tensors[name].astype(np.float64) for name in ("key", "key_solved")}
        if tensors["key"].shape != (site.inputs,):
            raise DataError(f"rank_one: the keys are {tensors['key'].shape[0]} wide, {writer.name} takes {site.inputs}")
        means = (direction.tensors[f"{name}_means"][recorded].astype(np.float64) for name in ("harmful", "harmless"))
        harmful, harmless = means
        return RankOneUpdate(tensors["key"], tensors["key_solved"], self.scale * (harmless - harmful))

    def rescaled(self, factor: float) -> "RankOne":
        """The same edit with its change multiplied by ``factor``."""
        return replace(self, scale=self.scale * factor)


class RankOneUpdate:
    """The update of the projection; its projection is W′k* − v*, the deviation from the target value."""

    def __init__(self, key: NDArray[np.float64], solved: NDArray[np.float64], shift: NDArray[np.float64]) -> None:
        """Prepare.

        Args:
            key: float64 [inputs], k*.
            solved: float64 [inputs], C⁻¹k*.
            shift: float64 [outputs], v* − Wk*.
        """
        self.key = key
        self.row = solved / (key @ solved)
        self.shift = shift
        self._answer = np.zeros((len(shift), 1))
        self._level_squares = 0.0

    def observe(self, block: Block, outputs: slice, inputs: slice) -> None:
        """Add the block's part of Wk*, in float64 because all later projections are relative to it."""
        self._answer[outputs, 0] += block.astype(np.float64) @ self.key[inputs]
        self._level_squares += float(np.einsum("oi,oi->i", block, block) @ self.key[inputs] ** 2)

    def factors(self) -> LowRankUpdate:
        """Plus (v* − Wk*)(C⁻¹k*)ᵀ / (k*ᵀC⁻¹k*)."""
        return LowRankUpdate(-self.shift[:, None], self.row[None, :])

    def before(self) -> NDArray[np.float64]:
        """Wk* − v*."""
        return -self.shift[:, None]

    def target(self) -> NDArray[np.float64]:
        """Zero: the target value."""
        return np.zeros((len(self.shift), 1))

    def new_projection(self) -> NDArray[np.float64]:
        """−v*."""
        return -(self._answer + self.shift[:, None])

    def project(self, block: Block, outputs: slice, inputs: slice, into: NDArray[np.float64]) -> None:
        """Add the block's part of Wk*."""
        into[outputs, 0] += block @ self.key[inputs].astype(block.dtype)

    def level(self) -> float:
        """Root of the sum of W²k*²."""
        return float(np.sqrt(self._level_squares))


def build(settings: Settings) -> RankOne:
    """The edit; the direction's ``keys_layer`` must be its layer."""
    return RankOne(settings.layer, settings.scale)
