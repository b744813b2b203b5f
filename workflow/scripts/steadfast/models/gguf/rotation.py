"""Rotary positions of a GGUF file, as ``rope_parameters`` of a checkpoint.

Llama 3 stretches slow rotations. Its file holds the factor of every frequency in a tensor (``rope_freqs.weight``), a
checkpoint the four numbers that they follow from; the numbers are recovered and must give the factors again.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from steadfast.models.gguf.header import GgufHeader

FACTORS = "rope_freqs.weight"
LONG_FACTORS = "rope_factors_"
UNSCALED = ("none", "")
LOW, HIGH = 1.0, 4.0
"""Llama 3's bounds between slow, middle and fast rotations, in turns within the original context."""
TOLERANCE = 1e-4


def rotation_problems(header: GgufHeader, head_size: int) -> Iterator[str]:
    """What of a file's rotary positions transformers has no setting for."""
    kind = header.setting("rope.scaling.type", "none")
    if kind not in (*UNSCALED, "linear"):
        yield f"its rotary positions are scaled by {kind!r}; only 'linear' has a setting in transformers"
    if any(tensor.name.startswith(LONG_FACTORS) for tensor in header.tensors):
        yield "its rotary positions have factors for long texts (LongRoPE)"
    rotated = int(header.setting("rope.dimension_count", head_size))
    if rotated != head_size and header.architecture != "phi3":
        yield f"it rotates {rotated} of the {head_size} numbers of a head ({header.architecture}.rope.dimension_count)"
    factors = frequency_factors(header)
    if factors is not None and _llama3(factors, _base(header), head_size) is None:
        yield f"the factors of its rotary positions ({FACTORS}) are not those of Llama 3"


def rotation_of(header: GgufHeader, parameters: Mapping[str, Any], head_size: int) -> dict[str, Any]:
    """The ``rope_parameters`` of a file.

    Args:
        header: the file's; ``rotation_problems`` has found none.
        parameters: what transformers makes of it.
        head_size: length of a query or key of one head.
    """
    if "full_attention" in parameters:
        local = dict(parameters["sliding_attention"])
        local["rope_theta"] = header.setting("rope.freq_base_swa", local["rope_theta"])
        return {"full_attention": {**_scaled(header, head_size)}, "sliding_attention": local}
    return _scaled(header, head_size)


def frequency_factors(header: GgufHeader) -> NDArray[np.float32] | None:
    """By what each frequency is divided, from the fastest to the slowest, or None if by nothing."""
    tensor = next((tensor for tensor in header.tensors if tensor.name == FACTORS), None)
    if tensor is None:
        return None
    with header.path.open("rb") as file:
        file.seek(header.data_start + tensor.offset)
        factors = np.frombuffer(file.read(4 * tensor.count), dtype="<f4")
    return None if (factors == 1).all() else factors


def _base(header: GgufHeader) -> float:
    return float(header.setting("rope.freq_base", 10000.0))


def _scaled(header: GgufHeader, head_size: int) -> dict[str, Any]:
    plain: dict[str, Any] = {"rope_type": "default", "rope_theta": _base(header)}
    rotated = int(header.setting("rope.dimension_count", head_size))
    if rotated != head_size:
        plain["partial_rotary_factor"] = rotated / head_size
    factors = frequency_factors(header)
    if factors is not None:
        return {**plain, **(_llama3(factors, _base(header), head_size) or {})}
    if header.setting("rope.scaling.type", "none") not in UNSCALED:
        return {**plain, "rope_type": "linear", "factor": float(header.setting("rope.scaling.factor", 1.0))}
    return plain


def _llama3(factors: Sequence[float] | NDArray[np.float32], base: float, head_size: int) -> dict[str, Any] | None:
    """The parameters that give these factors, or None."""
    largest = float(max(factors))
    lengths = [2 * math.pi * base ** (2 * index / head_size) for index in range(len(factors))]
    for context in _contexts(factors, lengths, largest):
        found = {
            "rope_type": "llama3",
            "factor": largest,
            "low_freq_factor": LOW,
            "high_freq_factor": HIGH,
            "original_max_position_embeddings": context,
        }
        given = [_factor(length, context, largest) for length in lengths]
        if np.allclose(given, factors, rtol=TOLERANCE):
            return found
    return None


def _contexts(factors: Sequence[float] | NDArray[np.float32], lengths: Sequence[float], largest: float) -> list[int]:
    """Original contexts that a frequency between the bounds speaks for; Llama 3's where there is none."""
    middle = next((at for at, factor in enumerate(factors) if 1 < factor < largest), None)
    if middle is None:
        return [8192]
    share = (1 / float(factors[middle]) - 1 / largest) / (1 - 1 / largest)
    return [round(lengths[middle] * (LOW + share * (HIGH - LOW)))]


def _factor(length: float, context: int, largest: float) -> float:
    turns = context / length
    if turns > HIGH:
        return 1.0
    if turns < LOW:
        return largest
    share = (turns - LOW) / (HIGH - LOW)
    return 1 / ((1 - share) / largest + share)
