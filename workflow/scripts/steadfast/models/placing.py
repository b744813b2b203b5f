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
        pointer: where the checkpoint lies.
        output: the directory.
        dequantize: whether its quantized weights are written out as bfloat16, so that the original and the edited
            model are measured in the same numbers; else nothing is copied.
        use: how it is to be used: keyword arguments of ``steadfast.models.check.settle``; None tries nothing.

    Raises:
        ConfigError: the chat template never reads one of the arguments.
        DataError: the checkpoint is not quantized, or by a method that cannot be written out; or its layout is not
            known where that is needed; or its chat template is missing or does not do what it should.
    """
    with atomic_directory(output) as directory:
        if dequantize:
            # by name, so that models that are not written out do not depend on the code that does
            load("steadfast.models.checkpoint_files", "quantization").dequantize(
                Path(pointer.path), directory / WEIGHTS
            )
            pointer = replace(pointer, path=WEIGHTS, details={**pointer.details, "dequantized": pointer.path})
        pointer.write(directory)
        # by name too: a model that has passed is not put in place again because this check has changed
        if use is not None:
            load("steadfast.models", "check").settle(directory, **use)
