"""Creation of a model directory: a pointer, or the converted weights of a quantized model."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from steadfast.core.files import atomic_directory
from steadfast.core.registry import load
from steadfast.models.pointer import ModelPointer

WEIGHTS = "weights"


def place_model(
    pointer: ModelPointer, output: str | Path, *, dequantize: bool, use: Mapping[str, Any] | None = None
) -> None:
    """Write a model directory.

    Args:
        pointer: location of the checkpoint.
        output: the directory.
        dequantize: whether quantized weights are converted to bfloat16, so that the original and the edited model use
            the same number format; otherwise nothing is copied.
        use: intended use: keyword arguments of ``steadfast.models.check.settle``; None skips the check.

    Raises:
        ConfigError: the chat template never reads one of the arguments.
        DataError: the checkpoint is not quantized, or by a method that cannot be written out; or its layout is not
            known where that is needed; or its chat template is missing or does not do what it should.
    """
    with atomic_directory(output) as directory:
        if dequantize:
            # imported by name, so that models that are not converted do not depend on this code
            load("steadfast.models.checkpoint_files", "quantization").dequantize(
                Path(pointer.path), directory / WEIGHTS
            )
            pointer = replace(pointer, path=WEIGHTS, details={**pointer.details, "dequantized": pointer.path})
        pointer.write(directory)
        # imported by name, so that a changed check does not cause models to be created again
        if use is not None:
            load("steadfast.models", "check").settle(directory, **use)
