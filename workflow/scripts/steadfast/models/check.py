"""The check that every model directory passes before any other step sees it."""

import json
import sys
from collections.abc import Iterable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from steadfast.core.errors import ConfigError, DataError, SteadfastError
from steadfast.core.registry import load
from steadfast.models.architectures import anatomy
from steadfast.models.depth import depth_of_directory, missing_blocks
from steadfast.models.mismatch import Shape
from steadfast.models.pointer import checkpoint_path, trusts_remote_code
from steadfast.models.tensor_check import check_tensors
from steadfast.models.weights import Checkpoint, open_checkpoint, require_files


def check_checkpoint(directory: str | Path, *, trust_remote_code: bool | None = None, layout: bool = False) -> None:
    """Check that a directory holds a whole checkpoint: config, every tensor of the architecture, and a tokenizer.

    Nothing but headers is read, so that it takes seconds whatever the model's size and needs no GPU.

    Args:
        directory: a model directory of the workflow, or a plain checkpoint directory.
        trust_remote_code: whether the model may run code of its own; None asks the directory's ``model.json``.
        layout: whether edits or hooks need to know which of its tensors write to the residual stream.

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
    if layout:
        check_layout(checkpoint, shapes)


def check_layout(checkpoint: Checkpoint, shapes: Mapping[str, Shape]) -> None:
    """Check that the registry of architectures knows what every tensor does, and that they are laid out as it says.

    Raises:
        DataError: the architecture is unknown, a block has a tensor that is not known, or the stream does not lie along
            the axis where the registry has it.
    """
    try:
        stream = anatomy(checkpoint.config, shapes)
    except DataError as error:
        raise DataError(f"{checkpoint.path} cannot be edited: {error}") from error
    for writer in stream.writers:
        shape = shapes[writer.name]
        if writer.axis >= len(shape) or shape[writer.axis] != stream.hidden_size:
            raise DataError(
                f"{checkpoint.path} cannot be edited: {writer.name} has shape {list(shape)}, but its axis "
                f"{writer.axis} should be {stream.hidden_size} wide"
            )
        if writer.norm and writer.norm not in shapes:
            raise DataError(
                f"{checkpoint.path} cannot be edited: it lacks {writer.norm}, which scales what a module writes to the "
                "residual stream"
            )


def settle(
    directory: str | Path,
    *,
    layout: bool = False,
    edited: bool = False,
    blocks: Iterable[tuple[str, int]] = (),
    **chat: Any,
) -> None:
    """Check that a model directory can be used as the configuration wants, and record its chat settings.

    It is the last step of putting a model in its place, whatever its source, after ``check_checkpoint``.

    Args:
        directory: a model directory of the workflow, complete but for ``chat`` in its ``model.json``.
        layout: as for ``check_checkpoint``.
        edited: whether its weights are edited.
        blocks: keys of the configuration with the blocks that they name; see ``steadfast.models.depth``.
        chat: keyword arguments of ``steadfast.models.chat_settings.try_chat``.

    Raises:
        ConfigError: the model does not have one of the blocks, or its chat template never reads one of the arguments.
        DataError: the architecture's layout is not known, quantized weights would have to be edited, or the chat
            template is missing or drops something.
    """
    from steadfast.models.chat_settings import settle_chat

    depth = depth_of_directory(checkpoint_path(directory))
    beyond = list(missing_blocks(depth, "this model", blocks)) if depth else []
    if beyond:
        raise ConfigError("\n".join(beyond))
    check_edited(directory, layout=layout, edited=edited)
    settle_chat(directory, **chat)


def check_edited(directory: str | Path, *, layout: bool, edited: bool) -> None:
    """Check that a model's architecture is known, and that its weights can be edited, where that is needed.

    Raises:
        DataError: the layout is not known, or quantized weights would have to be edited.
    """
    if layout or edited:
        checkpoint = open_checkpoint(checkpoint_path(directory))
        method = load("steadfast.models.checkpoint_files", "quantization").quantization_of(checkpoint.config)
        if edited and method:
            raise DataError(
                f"{checkpoint.path} is quantized ({method}), so its weights cannot be edited; name the checkpoint that "
                "it was made from, or set `dequantize: true` on the model, which knows FP8 and MXFP4"
            )
        shapes = plain_shapes(checkpoint)
        if shapes is not None:
            check_layout(checkpoint, shapes)


def plain_shapes(checkpoint: Checkpoint) -> Mapping[str, Shape] | None:
    """Names and shapes of the tensors, those of a quantized checkpoint as they are when written out.

    None if its kind of quantization is not one that can be written out.
    """
    # by name, so that what is checked does not depend on the code that edits
    quantization = load("steadfast.models.checkpoint_files", "quantization")
    shapes: Mapping[str, Shape] | None = quantization.plain_shapes(checkpoint)
    return shapes


def problem_of(path: str, *, layout: bool = False, edited: bool = False, **chat: Any) -> str:
    """What is wrong with a checkpoint directory and the way it is to be used; empty if nothing is.

    Args:
        path: the directory.
        layout: as for ``check_checkpoint``.
        edited: whether its weights are edited.
        chat: keyword arguments of ``steadfast.models.chat_settings.try_chat``.
    """
    from steadfast.models.chat_settings import try_chat

    try:
        check_checkpoint(path, layout=layout)
        check_edited(path, layout=False, edited=edited)
        try_chat(path, **chat)
    except SteadfastError as error:
        return str(error)
    return ""


def main() -> None:
    """Check the models that standard input lists, and print what is wrong with each; both are JSON.

    A process of its own keeps torch out of the one that runs the workflow.
    """
    models = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        problems = [problem_of(**model) for model in models]
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
