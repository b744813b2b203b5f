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

    It reads only headers, so it takes seconds for any model size and needs no GPU.

    Args:
        directory: a model directory of the workflow, or a plain checkpoint directory.
        trust_remote_code: whether the model may run its own code; None uses the directory's ``model.json``.
        layout: whether edits or hooks need to know which tensors write to the residual stream.

    Raises:
        DataError: the checkpoint is invalid; the message names the file or the tensors, the likely cause and the
            remedy.
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
    """Check that the registry of architectures lists every tensor, and that their axes match it.

    Raises:
        DataError: the architecture is unknown, a block has an unknown tensor, or the axis along the residual stream has
            the wrong size.
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
    """Check that a model directory can be used as configured, and record its chat settings.

    This is the last step of creating a model directory from any source, after ``check_checkpoint``.

    Args:
        directory: a model directory of the workflow, complete except for ``chat`` in its ``model.json``.
        layout: see ``check_checkpoint``.
        edited: whether its weights are edited.
        blocks: config keys with the blocks that they name; see ``steadfast.models.depth``.
        chat: keyword arguments of ``steadfast.models.chat_settings.try_chat``.

    Raises:
        ConfigError: the model does not have one of the blocks, or its chat template never reads one of the arguments.
        DataError: the architecture is unknown, quantized weights would have to be edited, or the chat template is
            missing or drops text.
    """
    from steadfast.models.chat_settings import settle_chat

    depth = depth_of_directory(checkpoint_path(directory))
    beyond = list(missing_blocks(depth, "this model", blocks)) if depth else []
    if beyond:
        raise ConfigError("\n".join(beyond))
    check_edited(directory, layout=layout, edited=edited)
    settle_chat(directory, **chat)


def check_edited(directory: str | Path, *, layout: bool, edited: bool) -> None:
    """Check that a model's architecture is known and that its weights can be edited, if required.

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
    """Names and shapes of the tensors; for a quantized checkpoint, those of the dequantized one.

    None if the quantization method is not supported.
    """
    # imported by name, so that checks do not depend on the code of edits
    quantization = load("steadfast.models.checkpoint_files", "quantization")
    shapes: Mapping[str, Shape] | None = quantization.plain_shapes(checkpoint)
    return shapes


def problem_of(path: str, *, layout: bool = False, edited: bool = False, **chat: Any) -> str:
    """Error in a checkpoint directory or its intended use; empty if there is none.

    Args:
        path: the directory.
        layout: see ``check_checkpoint``.
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
    """Check the models listed in standard input, and print the error of each; both are JSON.

    A separate process keeps torch out of the process of the workflow.
    """
    models = json.load(sys.stdin)
    with redirect_stdout(sys.stderr):
        problems = [problem_of(**model) for model in models]
    json.dump(problems, sys.stdout)


if __name__ == "__main__":
    main()
