"""Settings that edits of weights and inference-time interventions share."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from steadfast.attacks.directions.settings import BlockIndex
from steadfast.core.settings import Items, SettingsModel, UniqueItems, optional

LARGEST_SCALE = 1000
Target = Literal["attention_output", "mlp_output", "embedding"]


class ChangeSettings(SettingsModel):
    """Settings of every change.

    Attributes:
        scale_key: the key of its scale, which sweeps vary; None if it has none.
        needs_class_means: whether the direction must come with the mean activations of both prompt labels.
        needs_contrast: whether the direction must come from contrasting the two prompt labels.
        needs_block: whether the direction must belong to a block, if the change does not name one.
        needs_keys: whether the direction must come with the inputs (keys) of the edited block's MLP output projection.
        changes_outputs: whether it changes outputs of modules while the model runs, so that the architecture must be
        known.
        moves_both_classes: whether it shifts the activations of both prompt labels equally.
        search_rank: position among the edits that a search tries by default, from 1; None if it must be named.
    """

    scale_key: ClassVar[str | None] = None
    needs_class_means: ClassVar[bool] = False
    needs_contrast: ClassVar[bool] = False
    needs_block: ClassVar[bool] = False
    needs_keys: ClassVar[bool] = False
    changes_outputs: ClassVar[bool] = False
    moves_both_classes: ClassVar[bool] = False
    search_rank: ClassVar[int | None] = None

    def no_adapter(self) -> str:
        """Why no LoRA adapter of linear layers can express the change, by its settings; empty if one can."""
        return ""


class ReachSettings(ChangeSettings):
    """Which matrices a change of their outputs applies to."""

    targets: UniqueItems[Target] = Field(
        ["attention_output", "mlp_output"], min_length=1, description="Which matrices are edited."
    )
    skip_first: int = Field(0, ge=0, le=999, description="Number of first blocks that are not edited.")
    layers: Items[BlockIndex] | None = Field(
        None, min_length=2, max_length=2, description="First and last block that are edited; null edits all."
    )

    def no_adapter(self) -> str:
        """Adapters exist for linear layers only."""
        return "edits the embedding" if "embedding" in self.targets else super().no_adapter()


class ProjectionSettings(ReachSettings):
    """Settings of a change that removes directions from the outputs of matrices."""

    scale_key: ClassVar[str | None] = "scale"

    scale: float = Field(
        1.0,
        ge=0,
        le=LARGEST_SCALE,
        description="Scale s: 1 removes the direction, smaller values weaken it, 2 reflects it.",
    )
    kernel: dict[str, Annotated[float, Field(ge=-1000, le=1000)]] | None = Field(
        None,
        description=(
            "Weights of the scale along the depth: `peak` (fraction of the depth), `width` and `edge`; null edits all "
            "blocks alike."
        ),
    )
    kernels: dict[Target, dict[str, Annotated[float, Field(ge=0, le=LARGEST_SCALE)]]] | None = optional(
        description=(
            "Instead of `kernel`, one per target: `peak`, `width` and `edge`, and a `scale` that multiplies "
            "`scale` for this target."
        )
    )


class NormSettings(ProjectionSettings):
    """The same, with an option that preserves the norms of the columns."""

    preserve_norm: bool = Field(False, description="Whether the norms of the columns are preserved.")

    def no_adapter(self) -> str:
        """Rescaling each column is not a low-rank change."""
        return "preserves norms" if self.preserve_norm else super().no_adapter()
