"""Check that a checkpoint's files hold exactly the tensors of its architecture, in the right shapes.

transformers does the check: it builds the architecture on torch's ``meta`` device and loads empty tensors with the
names and shapes in the files' headers. So names (prefixes, stacked experts, tied heads, optional names) are mapped by
the code that will load the model. Real loading fills missing tensors with random numbers and only prints a note, so
errors must be found before.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from steadfast.core.errors import DataError
from steadfast.models.classes import model_class_of
from steadfast.models.mismatch import NUMBER, Shape, mismatch_of, require_match, some_of
from steadfast.models.silence import silence
from steadfast.models.weights import FLOATS, Checkpoint, same_bytes


def check_tensors(checkpoint: Checkpoint, shapes: Mapping[str, Shape], *, trust_remote_code: bool = False) -> None:
    """Check that tensors of these names and shapes make the model that ``config.json`` describes.

    Args:
        checkpoint: the checkpoint.
        shapes: its tensors; of a quantized one, what they become when they are written out.
        trust_remote_code: whether the model may run its own code.

    Raises:
        DataError: naming tensors, the likely cause and the remedy; or the architecture cannot be built.
    """
    import torch

    model_class, config = model_class_of(checkpoint.path, trust_remote_code=trust_remote_code)
    state = {name: torch.empty(shape, device="meta") for name, shape in shapes.items()}
    try:
        with silence():
            model, info = model_class.from_pretrained(
                None,
                config=config,
                state_dict=state,
                dtype=torch.float32,
                device_map={"": "meta"},
                ignore_mismatched_sizes=True,
                output_loading_info=True,
            )
    except RuntimeError as error:
        holes = incomplete_numbering(shapes)
        message = f"missing: {some_of(holes)}" if holes else str(error)
        raise DataError(f"{checkpoint.path}: its tensors cannot be put together; {message}") from error
    require_match(mismatch_of(info, checkpoint.config), checkpoint.config, str(checkpoint.path))
    if shapes.keys() == checkpoint.entries.keys():
        _require_plain_numbers(checkpoint, {name for name, _ in model.named_parameters()})
    for tied, source in model.all_tied_weights_keys.items():
        _require_tied(checkpoint, tied, source)


def _require_plain_numbers(checkpoint: Checkpoint, parameters: Collection[str]) -> None:
    """Check that the weights of a checkpoint without quantization settings are plain numbers.

    Loading would convert quantization codes to floating-point numbers without an error.

    Raises:
        DataError: some are integers, or of eight bits.
    """
    codes = [
        entry.name
        for entry in checkpoint.entries.values()
        if entry.dtype not in FLOATS and (entry.name in parameters or entry.name.endswith(".weight"))
    ]
    if codes:
        kind = checkpoint.entries[codes[0]].dtype
        raise DataError(
            f"{checkpoint.path}: stored as {kind}: {some_of(codes)}; config.json has no `quantization_config` that "
            "says how such codes become numbers: get the config.json that belongs to the files, or the checkpoint that "
            "they were made from"
        )


def _require_tied(checkpoint: Checkpoint, tied: str, source: str) -> None:
    """Check that a tied head and its embedding are equal if both are stored.

    Loaders differ: transformers keeps both, vLLM drops the head.

    Raises:
        DataError: they differ.
    """
    stored = [_stored_name(checkpoint, name) for name in (tied, source)]
    if "" not in stored and not same_bytes(checkpoint, *stored):
        raise DataError(
            f"{checkpoint.path}: config.json says that the head is the embedding, and {stored[0]} differs from "
            f"{stored[1]}: set `tie_word_embeddings: false` in config.json if the head has weights of its own, else "
            f"remove {stored[0]} from the files"
        )


def _stored_name(checkpoint: Checkpoint, name: str) -> str:
    """The stored tensor that becomes one of the model's, which may have another prefix there; empty if none is."""
    ending = ".".join(name.split(".")[-2:])
    found = [stored for stored in checkpoint.entries if stored == ending or stored.endswith(f".{ending}")]
    return found[0] if len(found) == 1 else ""


def incomplete_numbering(names: Iterable[str]) -> list[str]:
    """Names that a series of numbered names lacks where its siblings have them: one expert's matrix, for example.

    Names are siblings if they differ after their last number only.
    """
    known = set(names)
    parts = [(name[: match.end()], name[match.end() :]) for name in known if (match := _last_number(name))]
    series: dict[str, set[str]] = {}
    for stem, rest in parts:
        series.setdefault(NUMBER.sub("*", stem), set()).add(rest)
    stems = {(NUMBER.sub("*", stem), stem) for stem, _ in parts}
    wanted = {stem + rest for pattern, stem in stems for rest in series[pattern]}
    return sorted(wanted - known)


def _last_number(name: str) -> re.Match[str] | None:
    return next(reversed(list(NUMBER.finditer(name))), None)
