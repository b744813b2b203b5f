"""How strong an edit is at each block."""

from collections.abc import Mapping
from dataclasses import dataclass

from steadfast.core.errors import ConfigError, UnknownNameError

KERNEL_KEYS = ("peak", "width", "edge")


@dataclass(frozen=True)
class Kernel:
    """A triangular window over the depth.

    Attributes:
        peak: where the weight is 1, as a fraction of the depth (0 is the first block, 1 the last).
        width: distance from the peak at which the weight has fallen to ``edge``; it is 0 beyond.
        edge: weight at that distance.
    """

    peak: float
    width: float
    edge: float

    def weight(self, layer: int, depth: int) -> float:
        """Weight of a block."""
        distance = abs(layer / max(1, depth - 1) - self.peak)
        if distance > self.width + 1e-12:
            return 0.0
        return 1 - (1 - self.edge) * distance / self.width


@dataclass(frozen=True)
class Strength:
    """Scale of an edit, the same at every block or weighted by a kernel."""

    scale: float
    kernel: Kernel | None

    def at(self, layer: int | None, depth: int) -> float:
        """Scale at a block; the embedding counts as the first one."""
        return self.scale * (self.kernel.weight(layer or 0, depth) if self.kernel else 1.0)


def build_strength(scale: float, kernel: Mapping[str, float] | None) -> Strength:
    """Check and collect the settings that say how strong an edit is.

    Raises:
        ConfigError: an unknown key, or a window outside of the depth.
    """
    if kernel is None:
        return Strength(float(scale), None)
    for key in kernel:
        if key not in KERNEL_KEYS:
            raise UnknownNameError("key of kernel", key, KERNEL_KEYS)
    window = Kernel(
        *(float(kernel.get(key, default)) for key, default in zip(KERNEL_KEYS, (0.6, 0.4, 0.0), strict=True))
    )
    if not (0 <= window.peak <= 1 and window.width > 0 and 0 <= window.edge <= 1):
        raise ConfigError(f"kernel: {dict(kernel)} needs peak and edge between 0 and 1, and a width above 0")
    return Strength(float(scale), window)
