"""The head of the learned judge: one weight per feature, and the calibration of its score."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file, save_file

from steadfast.core.errors import ConfigError
from steadfast.judges.learned.seen import PARTS, PROMPT_PLACES, RESPONSE_PLACES, Array, Seen

WEIGHTS, ABOUT = "head.safetensors", "head.json"
SHAPES: dict[str, tuple[int | None, ...]] = {
    "states": (len(PARTS), None),
    "response": (RESPONSE_PLACES,),
    "prompt": (PROMPT_PLACES,),
    "phrase": (),
    "bias": (),
    "probe": (None,),
}
"""Tensors of a head with their shapes: weights by feature group, and the base's state for the probe text."""


@dataclass(frozen=True)
class Calibration:
    """Calibration of a score as a probability of refusal: ``1 / (1 + exp(-(slope * score + offset)))``."""

    slope: float
    offset: float

    def probability(self, scores: Array) -> Array:
        """Probabilities of refusal."""
        logits = np.clip(self.slope * scores + self.offset, -60, 60)
        return np.asarray(1 / (1 + np.exp(-logits)), dtype=np.float32)


@dataclass(frozen=True)
class Head:
    """A linear head.

    Attributes:
        tensors: see ``SHAPES``; float32.
        blocks: blocks of the base that its states come from.
        calibration: calibration of its score.
        about: further metadata: the base, the data, the calibration table.
    """

    tensors: dict[str, Array]
    blocks: int
    calibration: Calibration
    about: dict[str, Any]

    def scores(self, seen: Seen) -> Array:
        """Uncalibrated scores, float32 [cases]; positive for refusals."""
        return sum(self.parts(seen).values(), start=np.full(len(seen.phrase), self.tensors["bias"], dtype=np.float32))

    def parts(self, seen: Seen) -> dict[str, Array]:
        """Contribution of each feature group to the scores, float32 [cases] each."""
        words = seen.response @ self.tensors["response"] + seen.prompt @ self.tensors["prompt"]
        return {
            "states": np.einsum("cph,ph->c", seen.states, self.tensors["states"]),
            "words": np.asarray(words, dtype=np.float32),
            "phrase": self.tensors["phrase"] * (seen.phrase - 0.5),
        }


def load_head(folder: str | Path) -> Head:
    """Read a head.

    Raises:
        ConfigError: a file is missing or invalid.
    """
    path = Path(folder)
    try:
        about = json.loads((path / ABOUT).read_text(encoding="utf-8"))
        tensors = load_file(path / WEIGHTS)
        calibration = Calibration(float(about["calibration"]["slope"]), float(about["calibration"]["offset"]))
        blocks = int(about["blocks"])
    except Exception as error:
        raise ConfigError(f"head: {path} holds no head of a learned judge: {error!r}") from None
    for name, shape in SHAPES.items():
        found = tensors[name].shape if name in tensors else None
        if (
            found is None
            or len(found) != len(shape)
            or any(b not in (None, a) for a, b in zip(found, shape, strict=True))
        ):
            raise ConfigError(f"head: {path / WEIGHTS}: {name} has the shape {found}; wanted {shape}")
        if not np.isfinite(tensors[name]).all():
            raise ConfigError(f"head: {path / WEIGHTS}: {name} holds a number that is not finite")
    return Head(tensors, blocks, calibration, about)


def save_head(folder: str | Path, head: Head) -> None:
    """Write a head to a folder, which is created if needed."""
    path = Path(folder)
    path.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: np.asarray(head.tensors[name], dtype=np.float32).copy(order="C") for name in SHAPES}, path / WEIGHTS
    )
    calibration = {"slope": head.calibration.slope, "offset": head.calibration.offset}
    about = {**head.about, "blocks": head.blocks, "calibration": {**head.about.get("calibration", {}), **calibration}}
    (path / ABOUT).write_text(json.dumps(about, indent=2, sort_keys=True) + "\n", encoding="utf-8")
