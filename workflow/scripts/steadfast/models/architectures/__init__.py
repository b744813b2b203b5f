"""Which tensors of a checkpoint write to the residual stream: an explicit registry by ``model_type``.

Names and axes are listed per architecture and never guessed from shapes: if hidden and intermediate sizes are equal, a
wrong axis raises no error but leaves the direction in place. Every tensor of a block must be listed as a writer or a
reader, so that an unknown writer raises an error instead of remaining unedited.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from steadfast.core.errors import DataError, suggest
from steadfast.models.architectures._layouts import LAYOUTS
from steadfast.models.architectures._parts import TensorNames, WritingPart

Target = Literal["attention_output", "mlp_output", "embedding"]
TARGETS: tuple[Target, ...] = ("attention_output", "mlp_output", "embedding")

HOW_TO_ADD = (
    "add its layout to steadfast/models/architectures/_layouts.py: the tensors that write to the residual stream with "
    "the axis of the stream, and those that only read it"
)


@dataclass(frozen=True)
class Writer:
    """One tensor that writes to the residual stream.

    Attributes:
        name: name of the tensor in the checkpoint.
        target: its group of modules.
        layer: 0-based block, or None for embeddings.
        axis: the tensor's axis that lies along the residual stream.
        bias: whether it is a bias, which is not multiplied with an input.
        expert: whether it belongs to experts.
        norm: name of the norm weight that scales the module's output before it enters the stream, or None.
        norm_offset: offset that the norm adds to its weight (1 for Gemma, otherwise 0).
    """

    name: str
    target: Target
    layer: int | None
    axis: int
    bias: bool = False
    expert: bool = False
    norm: str | None = None
    norm_offset: float = 0.0


@dataclass(frozen=True)
class Anatomy:
    """The residual stream of one checkpoint.

    Attributes:
        depth: number of blocks.
        hidden_size: width of the stream.
        writers: every tensor that writes to the stream, blocks in order, embeddings first.
        embedding: name of the token embedding.
        head: name of the output head's tensor, whether or not the checkpoint stores it.
        tied: whether the head is the embedding itself.
    """

    depth: int
    hidden_size: int
    writers: tuple[Writer, ...]
    embedding: str
    head: str
    tied: bool


def anatomy(config: Mapping[str, Any], tensors: Collection[str]) -> Anatomy:
    """Find the writers of a checkpoint from its ``config.json`` and the names of its tensors.

    Raises:
        DataError: the architecture is unknown, its size is missing, an expected tensor is missing, or a block has a
            tensor that is not in the registry.
    """
    layout = layout_of(config)
    text_config = config.get("text_config", config)
    root, head = _root(layout, tensors)
    depth, hidden_size = (_stated(text_config, key) for key in (layout.depth_key, layout.hidden_key))
    embeddings = [root + name for name in layout.embeddings if root + name in tensors]
    writers = [Writer(name, "embedding", None, axis=1) for name in embeddings]
    for layer in range(depth):
        writers.extend(_block_writers(layout, text_config, root, layer, tensors))
    _require_known(layout, root, depth, writers, tensors)
    return Anatomy(depth, hidden_size, tuple(writers), root + layout.embeddings[0], head, head not in tensors)


def layout_of(config: Mapping[str, Any]) -> TensorNames:
    """The layout of the architecture that a ``config.json`` names.

    Raises:
        DataError: it is not in the registry.
    """
    model_type = str(config.get("model_type"))
    if model_type not in LAYOUTS:
        raise DataError(f"unknown architecture {model_type!r}{suggest(model_type, LAYOUTS)}. To edit it, {HOW_TO_ADD}")
    return LAYOUTS[model_type]


def _stated(config: Mapping[str, Any], key: str) -> int:
    value = config.get(key)
    if not isinstance(value, int):
        raise DataError(f"config.json does not state `{key}` as a number; found {value!r}")
    return value


def _root(layout: TensorNames, tensors: Collection[str]) -> tuple[str, str]:
    """The prefix under which this checkpoint stores the text decoder, and the name of its head."""
    for root, head in layout.roots:
        if root + layout.embeddings[0] in tensors:
            return root, head
    tried = ", ".join(root + layout.embeddings[0] for root, _ in layout.roots)
    raise DataError(f"the checkpoint holds no token embedding under any of the known names: {tried}")


def _block_writers(
    layout: TensorNames, config: Mapping[str, Any], root: str, layer: int, tensors: Collection[str]
) -> Iterator[Writer]:
    block = root + layout.block.format(layer=layer)
    groups: tuple[tuple[Target, tuple[tuple[WritingPart, ...], ...]], ...] = (
        ("attention_output", layout.attention),
        ("mlp_output", layout.mlp),
    )
    for target, alternatives in groups:
        parts = _present_alternative(alternatives, config, block, tensors)
        for part in parts:
            for name in _weights(part, config, block):
                yield _writer(layout, part, name, target, layer, part.axis, block)
            for name in _biases(part, config, block):
                if name in tensors:
                    yield _writer(layout, part, name, target, layer, part.bias_axis, block, bias=True)


def _writer(
    layout: TensorNames,
    part: WritingPart,
    name: str,
    target: Target,
    layer: int,
    axis: int,
    block: str,
    bias: bool = False,
) -> Writer:
    norm = block + part.norm if part.norm else None
    return Writer(
        name,
        target,
        layer,
        axis,
        bias=bias,
        expert=part.stacked or bool(part.experts_keys),
        norm=norm,
        norm_offset=layout.norm_offset if norm else 0.0,
    )


def _present_alternative(
    alternatives: tuple[tuple[WritingPart, ...], ...], config: Mapping[str, Any], block: str, tensors: Collection[str]
) -> tuple[WritingPart, ...]:
    """The alternative whose weights all exist.

    Raises:
        DataError: none is complete; the message names what the closest one lacks.
    """
    lacking: list[list[str]] = []
    for parts in alternatives:
        missing = [name for part in parts for name in _weights(part, config, block) if name not in tensors]
        if not missing:
            return parts
        lacking.append(missing)
    nearest = min(lacking, key=len)
    raise DataError(
        f"{len(nearest)} module(s) that should be edited are not in the checkpoint, for example {nearest[0]}; "
        f"if the architecture has changed, {HOW_TO_ADD}"
    )


def _weights(part: WritingPart, config: Mapping[str, Any], block: str) -> list[str]:
    return _expand(part.weight, part, config, block)


def _biases(part: WritingPart, config: Mapping[str, Any], block: str) -> list[str]:
    return _expand(part.bias, part, config, block) if part.bias else []


def _expand(name: str, part: WritingPart, config: Mapping[str, Any], block: str) -> list[str]:
    if not part.experts_keys:
        return [block + name]
    # a config without experts belongs to a dense sibling, which uses another alternative
    count = next((int(config[key]) for key in part.experts_keys if config.get(key)), 0)
    return [block + name.format(expert=expert) for expert in range(count)] or [block + name]


def _require_known(
    layout: TensorNames, root: str, depth: int, writers: Collection[Writer], tensors: Collection[str]
) -> None:
    written = {writer.name for writer in writers}
    blocks = root + layout.block.partition("{layer}")[0]
    for name in sorted(tensors):
        if not name.startswith(blocks) or name in written:
            continue
        layer, _, rest = name.removeprefix(blocks).partition(".")
        if not layer.isdigit() or int(layer) >= depth:
            continue  # layers beyond the depth are for multi-token prediction and not used in generation
        if not any(reader.fullmatch(rest) for reader in layout.readers):
            raise DataError(f"the registry does not know what {name} does; {HOW_TO_ADD}")
