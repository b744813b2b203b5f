"""Which tensors an edit changes."""

from dataclasses import dataclass

from steadfast.attacks.edits.settings import ReachSettings
from steadfast.core.errors import ConfigError
from steadfast.models.architectures import Writer


@dataclass(frozen=True)
class TargetSelection:
    """Targets and blocks of an edit.

    Attributes:
        targets: groups of modules.
        skip_first: number of first blocks left alone.
        layers: first and last block (inclusive), or None for all; negative indices count from the end.
    """

    targets: tuple[str, ...]
    skip_first: int
    layers: tuple[int, int] | None

    def selects(self, writer: Writer, depth: int) -> bool:
        """Whether a tensor of a model of ``depth`` blocks is reached.

        Raises:
            ConfigError: the blocks lie outside of the model, or no block remains.
        """
        first, last = self.span(depth)
        if writer.target not in self.targets:
            return False
        return writer.layer is None or first <= writer.layer <= last

    def span(self, depth: int) -> tuple[int, int]:
        """First and last block that are reached.

        Raises:
            ConfigError: they lie outside of the model, or no block remains.
        """
        bounds = self.layers or (0, depth - 1)
        for bound in bounds:
            if not -depth <= bound < depth:
                raise ConfigError(f"layers: block {bound} is outside of the model, which has {depth} blocks")
        first, last = max(bounds[0] % depth, self.skip_first), bounds[1] % depth
        if first > last:
            raise ConfigError(
                f"skip_first: {self.skip_first} and layers: {list(bounds)} leave no block to edit; "
                f"the model has {depth} blocks"
            )
        return first, last


def build_selection(settings: ReachSettings) -> TargetSelection:
    """Check and collect the settings of an edit's targets.

    Raises:
        ConfigError: the first block comes after the last.
    """
    layers = settings.layers
    # a negative and a positive index can only be compared once the depth is known
    if layers is not None and (layers[0] < 0) == (layers[1] < 0) and layers[0] > layers[1]:
        raise ConfigError(f"layers: {list(layers)}: the first block comes after the last; allowed: [first, last]")
    return TargetSelection(
        tuple(sorted(settings.targets)), settings.skip_first, (layers[0], layers[1]) if layers else None
    )
