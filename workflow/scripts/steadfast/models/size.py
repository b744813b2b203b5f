"""Size of a model, from the headers of its files; no weights are read, and torch is not needed."""

from dataclasses import dataclass
from pathlib import Path

from steadfast.models.weights import open_checkpoint

NARROW_BYTES = 2
BYTES = {"float32": 4, "bfloat16": NARROW_BYTES, "float16": NARROW_BYTES}


@dataclass(frozen=True)
class ModelSize:
    """The size of a model.

    Attributes:
        parameters: number of its parameters.
        stored: bytes of its weights as stored or linked by the workflow.
    """

    parameters: int
    stored: int

    def loaded(self, dtype: str = "auto") -> int:
        """Bytes of its weights in memory, in a number format of the configuration; ``auto``: as stored."""
        return self.parameters * BYTES[dtype] if dtype in BYTES else self.stored


def checkpoint_size(directory: Path) -> ModelSize:
    """Size of a checkpoint.

    Raises:
        DataError: it is not a checkpoint, or damaged.
    """
    checkpoint = open_checkpoint(directory)
    return ModelSize(checkpoint.parameters, checkpoint.loaded_bytes())


def written_out(parameters: int, dtype: str) -> ModelSize:
    """Size of the checkpoint converted from a GGUF file; ``auto`` is a 16-bit format, unless the file states it."""
    return ModelSize(parameters, parameters * BYTES.get(dtype, NARROW_BYTES))
