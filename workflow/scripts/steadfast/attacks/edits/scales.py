"""Scale of an edit at each block."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steadfast.core.errors import ConfigError, UnknownNameError
from steadfast.models.architectures import TARGETS, Writer

KERNEL_KEYS = ("peak", "width", "edge")
SCALE_KEY = "scale"


@dataclass(frozen=True)
class Kernel:
    """A triangular window over the depth.

    Attributes:
        peak: where the weight is 1, as a fraction of the depth (0 is the first block, 1 the last).
        width: distance from the peak at which the weight reaches ``edge``; beyond it, the weight is 0.
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
class ScaleProfile:
    """Scale of an edit, the same at every block or weighted by one kernel for all targets or one per target.

    Attributes:
        scale: the scale.
        kernel: its weights along the depth; None weights all blocks equally.
        by_target: kernels of single targets, which replace ``kernel``, each with a factor for the scale.
    """

    scale: float
    kernel: Kernel | None
    by_target: Mapping[str, tuple[float, Kernel]] = field(default_factory=dict)

    def at(self, writer: Writer, depth: int) -> float:
        """Scale at a tensor; an embedding counts as part of the first block."""
        factor, kernel = self.by_target.get(writer.target, (1.0, self.kernel))
        return self.scale * factor * (kernel.weight(writer.layer or 0, depth) if kernel else 1.0)

    def reaches(self, writer: Writer, depth: int) -> bool:
        """Whether the kernel is not 0 at a tensor, regardless of the scale."""
        _, kernel = self.by_target.get(writer.target, (1.0, self.kernel))
        return kernel is None or kernel.weight(writer.layer or 0, depth) > 0


def build_profile(
    scale: float,
    kernel: Mapping[str, float] | None,
    kernels: Mapping[Any, Mapping[str, float]] | None = None,
) -> ScaleProfile:
    """Check and collect the settings of an edit's scale.

    Raises:
        ConfigError: a key is unknown, or a window lies outside of the depth.
    """
    if kernel is not None and kernels is not None:
        raise ConfigError("kernel and kernels: give one window for all targets, or one for each")
    by_target: dict[str, tuple[float, Kernel]] = {}
    for target, window in (kernels or {}).items():
        if target not in TARGETS:
            raise UnknownNameError("target of kernels", target, TARGETS)
        shape = {key: value for key, value in window.items() if key != SCALE_KEY}
        by_target[target] = float(window.get(SCALE_KEY, 1.0)), _kernel(f"kernels: {target}", shape)
        if by_target[target][0] < 0:
            raise ConfigError(f"kernels: {target}: scale {window[SCALE_KEY]} must not be negative")
    return ScaleProfile(float(scale), None if kernel is None else _kernel("kernel", kernel), by_target)


def _kernel(where: str, values: Mapping[str, float]) -> Kernel:
    for key in values:
        if key not in KERNEL_KEYS:
            raise UnknownNameError(f"key of {where}", key, KERNEL_KEYS)
    window = Kernel(
        *(float(values.get(key, default)) for key, default in zip(KERNEL_KEYS, (0.6, 0.4, 0.0), strict=True))
    )
    if not (0 <= window.peak <= 1 and window.width > 0 and 0 <= window.edge <= 1):
        raise ConfigError(f"{where}: {dict(values)} needs peak and edge between 0 and 1, and a width above 0")
    return window
