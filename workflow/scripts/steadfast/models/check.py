"""The check that every model directory passes before any other step sees it."""

from collections.abc import Mapping
from pathlib import Path

from steadfast.models.pointer import checkpoint_path, trusts_remote_code
from steadfast.models.tensor_check import Shape, check_tensors
from steadfast.models.weights import Checkpoint, require_files
from steadfast.registry import load


def check_checkpoint(directory: str | Path, *, trust_remote_code: bool | None = None) -> None:
    """See that a directory holds a whole checkpoint: config, every tensor of the architecture, and a tokenizer.

    Nothing but headers is read, so that it takes seconds whatever the model's size and needs no GPU.

    Args:
        directory: a model directory of the workflow, or a plain checkpoint directory.
        trust_remote_code: whether the model may run code of its own; None asks the directory's ``model.json``.

    Raises:
        DataError: naming the file or the tensors, the likely cause and the remedy.
    """
    path = checkpoint_path(directory)
    checkpoint = require_files(path)
    shapes = plain_shapes(checkpoint)
    if shapes is None:
        print(f"{path}: its tensors are in a format that is checked only when the model is loaded", flush=True)
        return
    trusted = trusts_remote_code(directory) if trust_remote_code is None else trust_remote_code
    check_tensors(checkpoint, shapes, trust_remote_code=trusted)


def plain_shapes(checkpoint: Checkpoint) -> Mapping[str, Shape] | None:
    """Names and shapes of the tensors, those of a quantised checkpoint as they are when written out.

    None if its kind of quantisation is not one that can be written out.
    """
    # by name, so that what is checked does not depend on the code that edits
    quantisation = load("steadfast.checkpoints", "quantisation")
    shapes: Mapping[str, Shape] | None = quantisation.plain_shapes(checkpoint)
    return shapes
