"""Dequantization of checkpoints to bfloat16, so that they can be edited.

Supported are FP8 (``quant_method: fp8``: E4M3 values, one scale per block, as DeepSeek-V3 and Qwen3 publish, or one per
tensor, as Ministral 3) and MXFP4 (``quant_method: mxfp4``: pairs of 4-bit floats with one exponent per 32 values, as
GPT-oss publishes). Other methods are rejected, since their values would have to be guessed.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.core.errors import DataError
from steadfast.core.files import atomic_directory, write_json
from steadfast.core.progress import IN_BYTES, Progress
from steadfast.models.checkpoint_files.arrays import read_array, write_all
from steadfast.models.checkpoint_files.copying import copy_companions, copy_range
from steadfast.models.checkpoint_files.dtypes import STORAGE, narrow, widen
from steadfast.models.checkpoint_files.shards import shard_header
from steadfast.models.shards import Shard, TensorEntry
from steadfast.models.weights import Checkpoint, open_checkpoint

TARGET = "BF16"
BYTES = np.dtype("u1")
EXPONENTS = ("F8_E8M0", "U8")
EXPONENT_BIAS = 127
INPUT_SCALES = ("activation_scale", "input_scale")  # tensors of activation scales, which are dropped
ROWS = 512  # number of values of a matrix decoded at a time


@dataclass(frozen=True)
class Quantized:
    """One quantized tensor.

    Attributes:
        entry: location of its codes.
        scales: location of its scales.
        name: name of the dequantized tensor.
        shape: shape of the dequantized tensor.
        dropped: names of further tensors that only its quantized form needs.
    """

    entry: TensorEntry
    scales: TensorEntry
    name: str
    shape: tuple[int, ...]
    dropped: tuple[str, ...] = ()


def quantization_of(config: Mapping[str, Any]) -> str:
    """Name of a checkpoint's quantization method, or an empty string."""
    settings = config.get("quantization_config") or config.get("text_config", {}).get("quantization_config")
    return str(dict(settings).get("quant_method", "unknown")) if settings else ""


def plain_shapes(checkpoint: Checkpoint) -> dict[str, tuple[int, ...]] | None:
    """Names and shapes of a checkpoint's tensors once they are written out.

    Returns:
        As they are, if it is not quantized; None if it is by a method that cannot be written out.

    Raises:
        DataError: scales are missing.
    """
    shapes = {name: entry.shape for name, entry in checkpoint.entries.items()}
    method = quantization_of(checkpoint.config)
    if not method:
        return shapes
    if method not in METHODS:
        return None
    scale_suffix, describe, _ = METHODS[method]
    for described in describe(checkpoint, scale_suffix):
        for name in (described.entry.name, described.scales.name, *described.dropped):
            del shapes[name]
        shapes[described.name] = described.shape
    return shapes


def dequantize(source: Path, output: Path) -> None:
    """Write a quantized checkpoint to ``output`` as bfloat16, shard by shard, a part of a tensor at a time.

    Raises:
        DataError: it is not quantized, the method is not supported, or scales are missing.
    """
    checkpoint = open_checkpoint(source)
    method = quantization_of(checkpoint.config)
    if not method:
        raise DataError(f"{source} is not quantized; remove dequantize")
    if method not in METHODS:
        raise DataError(
            f"{source} is quantized by {method!r}; only {', '.join(METHODS)} can be written out. "
            "Edit the checkpoint that it was made from"
        )
    scale_suffix, describe, decode = METHODS[method]
    found = {described.entry.name: described for described in describe(checkpoint, scale_suffix)}
    dropped = {name for described in found.values() for name in (described.scales.name, *described.dropped)}
    with atomic_directory(output) as directory:
        weight_map: dict[str, str] = {}
        sizes = [shard.path.stat().st_size for shard in checkpoint.shards]
        with Progress("shards", len(sizes), unit=IN_BYTES, work=sum(sizes)) as progress:
            for shard, size in zip(checkpoint.shards, sizes, strict=True):
                for name in _write_shard(checkpoint, shard, directory, found, dropped, decode):
                    weight_map[name] = shard.path.name
                progress.advance(1, size)
        copy_companions(checkpoint, directory)
        write_json(directory / "config.json", _plain_config(checkpoint.config))
        if checkpoint.index_file:
            write_json(directory / checkpoint.index_file, {"metadata": {}, "weight_map": weight_map})


Decode = Callable[[Checkpoint, Quantized, Mapping[str, Any]], Iterator[NDArray[np.float32]]]


def _write_shard(
    checkpoint: Checkpoint,
    shard: Shard,
    directory: Path,
    found: Mapping[str, Quantized],
    dropped: set[str],
    decode: Decode,
) -> list[str]:
    """Write one shard; return the names of its tensors."""
    kept = [entry for entry in shard.entries if entry.name not in dropped]
    planned = [_planned(entry, found.get(entry.name)) for entry in kept]
    header, placed = shard_header(planned, shard.metadata)
    with ExitStack() as stack:
        source = os.open(shard.path, os.O_RDONLY)
        stack.callback(os.close, source)
        target = os.open(directory / shard.path.name, os.O_RDWR | os.O_CREAT, 0o666)
        stack.callback(os.close, target)
        os.pwrite(target, header, 0)
        for entry, place in zip(kept, placed, strict=True):
            if entry.name not in found:
                copy_range(source, target, entry.begin, place.begin, entry.size)
                continue
            offset = place.begin
            for values in decode(checkpoint, found[entry.name], checkpoint.config):
                stored = narrow(values, TARGET)
                write_all(target, stored, offset)
                offset += stored.nbytes
    return [entry.name for entry in placed]


def _planned(entry: TensorEntry, quantized: Quantized | None) -> TensorEntry:
    if quantized is None:
        return entry
    size = math.prod(quantized.shape) * STORAGE[TARGET].itemsize
    return TensorEntry(quantized.name, TARGET, quantized.shape, 0, size)


def _describe_fp8(checkpoint: Checkpoint, suffix: str) -> Iterator[Quantized]:
    entries = checkpoint.entries
    for name, entry in entries.items():
        if entry.dtype != "F8_E4M3":
            continue
        if name + suffix not in entries:
            raise DataError(f"{name} is stored in 8 bits, but its scales {name}{suffix} are not in the checkpoint")
        beside = (f"{name.removesuffix('weight')}{scale}" for scale in INPUT_SCALES)
        of_experts = (f"{name}_{scale}" for scale in INPUT_SCALES)
        dropped = tuple(other for other in (*beside, *of_experts) if other in entries)
        yield Quantized(entry, entries[name + suffix], name, entry.shape, dropped)


def _decode_fp8(
    checkpoint: Checkpoint, quantized: Quantized, config: Mapping[str, Any]
) -> Iterator[NDArray[np.float32]]:
    """Rows of the matrix, or of one expert's after the other: value × the scale of its block, or the only scale."""
    settings = config.get("quantization_config") or config["text_config"]["quantization_config"]
    *experts, rows, columns = quantized.shape
    count = math.prod(experts)
    grid, height, width = _scale_grid(quantized, settings.get("weight_block_size"))
    scales = _read_scales(checkpoint, quantized.scales).reshape(-1, *grid)
    table = e4m3_values()
    for index, start in product(range(count), range(0, rows, ROWS)):
        stop = min(start + ROWS, rows)
        codes = _read_rows(checkpoint, quantized.entry, index * rows + start, index * rows + stop, columns)
        blocks = scales[min(index, len(scales) - 1), np.arange(start, stop) // height]
        yield table[codes] * np.repeat(blocks, width, axis=1)[:, :columns]


def _scale_grid(quantized: Quantized, block: Sequence[int] | None) -> tuple[tuple[int, int], int, int]:
    """Scales of one matrix (rows, columns) and the height and width of the blocks that they scale.

    Raises:
        DataError: the number of scales is neither the number of blocks, nor the number of experts, nor 1.
    """
    *experts, rows, columns = quantized.shape
    if quantized.scales.count in (1, math.prod(experts)):
        return (1, 1), rows, columns
    height, width = (int(size) for size in block or (rows, columns))
    grid = (-(-rows // height), -(-columns // width))
    if quantized.scales.shape != (*experts, *grid):
        shape = list(quantized.scales.shape)
        raise DataError(f"{quantized.scales.name} has shape {shape}, which does not fit {quantized.name}")
    return grid, height, width


def _read_scales(checkpoint: Checkpoint, entry: TensorEntry) -> NDArray[np.float32]:
    """Scales, some of which are stored as powers of two (E8M0)."""
    if entry.dtype in EXPONENTS:
        return np.ldexp(np.float32(1), _read(checkpoint, entry, BYTES).astype(np.int32) - EXPONENT_BIAS)
    if entry.dtype not in STORAGE:
        raise DataError(f"{entry.name} is stored as {entry.dtype}; scales can be read in {', '.join(STORAGE)} and E8M0")
    return np.asarray(widen(_read(checkpoint, entry, STORAGE[entry.dtype]), entry.dtype), dtype=np.float32)


def _describe_mxfp4(checkpoint: Checkpoint, suffix: str) -> Iterator[Quantized]:
    entries = checkpoint.entries
    for name, entry in entries.items():
        if not name.endswith("_blocks"):
            continue
        base = name.removesuffix("_blocks")
        if base + suffix not in entries:
            raise DataError(f"{name} is stored in 4 bits, but its scales {base}{suffix} are not in the checkpoint")
        experts, rows, groups, half = entry.shape
        yield Quantized(entry, entries[base + suffix], base, (experts, groups * half * 2, rows))


def _decode_mxfp4(
    checkpoint: Checkpoint, quantized: Quantized, config: Mapping[str, Any]
) -> Iterator[NDArray[np.float32]]:
    """One expert after the other, transposed: codes lie along the inputs, the model multiplies from the left."""
    experts, rows, groups, half = quantized.entry.shape
    exponents = (
        _read(checkpoint, quantized.scales, BYTES).reshape(experts, rows, groups, 1).astype(np.int32) - EXPONENT_BIAS
    )
    values = fp4_values()
    for expert in range(experts):
        codes = _read_rows(checkpoint, quantized.entry, expert * rows, (expert + 1) * rows, groups * half)
        pairs = np.stack([values[codes & 0x0F], values[codes >> 4]], axis=-1).reshape(rows, groups, half * 2)
        decoded = np.ldexp(pairs, exponents[expert]).reshape(rows, groups * half * 2)
        yield np.ascontiguousarray(decoded.T)


METHODS: dict[str, tuple[str, Callable[[Checkpoint, str], Iterator[Quantized]], Decode]] = {
    "fp8": ("_scale_inv", _describe_fp8, _decode_fp8),
    "mxfp4": ("_scales", _describe_mxfp4, _decode_mxfp4),
}


def e4m3_values() -> NDArray[np.float32]:
    """The 256 values of the 8-bit float E4M3 (bias 7, no infinities, two NaNs; Micikevicius et al. 2022)."""
    codes = np.arange(256)
    exponent, mantissa = (codes >> 3) & 0x0F, codes & 0x07
    size = np.where(exponent == 0, mantissa * 2.0**-9, (1 + mantissa / 8) * 2.0 ** (exponent - 7.0))
    size[(codes & 0x7F) == 0x7F] = np.nan
    return np.where(codes < 128, size, -size).astype(np.float32)


def fp4_values() -> NDArray[np.float32]:
    """The 16 values of the 4-bit float E2M1 (OCP Microscaling formats, version 1.0)."""
    positive = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], dtype=np.float32)
    return np.concatenate([positive, -positive])


def _read(checkpoint: Checkpoint, entry: TensorEntry, dtype: np.dtype[Any]) -> NDArray[Any]:
    with checkpoint.shard_of(entry.name).path.open("rb") as file:
        return read_array(file.fileno(), entry.begin, (1, entry.count), dtype)


def _read_rows(checkpoint: Checkpoint, entry: TensorEntry, start: int, stop: int, columns: int) -> NDArray[Any]:
    with checkpoint.shard_of(entry.name).path.open("rb") as file:
        return read_array(file.fileno(), entry.begin + start * columns, (stop - start, columns), BYTES)


def _plain_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration of the same model without quantization."""
    plain = {key: value for key, value in config.items() if key != "quantization_config"}
    if "text_config" in plain:
        plain["text_config"] = _plain_config(plain["text_config"])
    return {**plain, "dtype": "bfloat16"}
