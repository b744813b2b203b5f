"""Which tensors an edit reaches, and how strongly."""

from collections.abc import Sequence
from dataclasses import dataclass

from steadfast.core.errors import ConfigError, UnknownNameError
from steadfast.models.architectures import TARGETS, Writer

DEFAULT_TARGETS = ("attention_output", "mlp_output")


@dataclass(frozen=True)
class Selection:
    """Targets and blocks that an edit reaches.

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
            ConfigError: the blocks lie outside of the model, or none is left.
        """
        first, last = self.span(depth)
        if writer.target not in self.targets:
            return False
        return writer.layer is None or first <= writer.layer <= last

    def span(self, depth: int) -> tuple[int, int]:
        """First and last block that are reached.

        Raises:
            ConfigError: they lie outside of the model, or none is left.
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


def build_selection(targets: Sequence[str], skip_first: int, layers: Sequence[int] | None) -> Selection:
    """Check and collect the settings that say what an edit reaches.

    Raises:
        ConfigError: a target is unknown, none is given, or numbers are out of range.
    """
    if isinstance(targets, str) or not targets:
        raise ConfigError(f"targets: {targets!r} must be a list of at least one of {', '.join(TARGETS)}")
    for target in targets:
        if target not in TARGETS:
            raise UnknownNameError("target", target, TARGETS)
    if isinstance(skip_first, bool) or not isinstance(skip_first, int) or skip_first < 0:
        raise ConfigError(f"skip_first: {skip_first!r} must be an integer of at least 0")
    if layers is not None and (len(layers) != 2 or not all(type(layer) is int for layer in layers)):
        raise ConfigError(f"layers: {layers!r} must be the first and the last block, for example [4, 20]")
    # whether one that is counted from the end comes after one from the beginning is known with the depth alone
    if layers is not None and (layers[0] < 0) == (layers[1] < 0) and layers[0] > layers[1]:
        raise ConfigError(f"layers: {list(layers)}: the first block comes after the last; allowed: [first, last]")
    return Selection(tuple(sorted(targets)), skip_first, (layers[0], layers[1]) if layers else None)
