"""Putting a model where the workflow looks for it: a pointer, or, of a quantised one, its weights written out."""

from dataclasses import replace
from pathlib import Path

from steadfast.files import atomic_directory
from steadfast.models.pointer import ModelPointer
from steadfast.registry import load

WEIGHTS = "weights"


def place_model(pointer: ModelPointer, output: str | Path, *, dequantise: bool) -> None:
    """Write a model directory.

    Args:
        pointer: where the checkpoint lies.
        output: the directory.
        dequantise: whether its quantised weights are written out as bfloat16, so that the original and the edited
            model are measured in the same numbers; else nothing is copied.

    Raises:
        DataError: the checkpoint is not quantised, or by a method that cannot be written out.
    """
    with atomic_directory(output) as directory:
        if dequantise:
            # by name, so that models that are not written out do not depend on the code that does
            load("steadfast.checkpoints", "quantisation").dequantise(Path(pointer.path), directory / WEIGHTS)
            pointer = replace(pointer, path=WEIGHTS, details={**pointer.details, "dequantised": pointer.path})
        pointer.write(directory)
