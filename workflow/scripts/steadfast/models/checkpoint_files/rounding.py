"""Additional rounding of loaded weights, to measure its effect on a model's outputs.

Storing an edited weight rounds it: an error of up to half a unit in the last place (ulp) of the stored format, as
large for any value, so that its square is ulp²/12 in the mean. Flipping the last stored bit of one weight in twelve
changes these by one ulp and the others not at all: the same mean square, in every format, and without a copy of the
weights, since a second flip undoes the first exactly.

A run format that is coarser than the stored one rounds the original's and the edited weights independently: twice the
mean square, so one weight in six is flipped.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}
STORED = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32, "F64": torch.float64}
"""Formats of safetensors files."""
ROUNDED_ONCE, ROUNDED_TWICE = 1 / 12, 1 / 6
ELEMENTS_AT_ONCE = 2**24


def coarsest(formats: Sequence[torch.dtype]) -> torch.dtype:
    """The format with the fewest digits."""
    return max(formats, key=lambda dtype: torch.finfo(dtype).eps)


@contextmanager
def rounded_again(weights: Sequence[nn.Parameter], stored: torch.dtype, seed: int) -> Iterator[None]:
    """Context in which weights have one more rounding error of their stored format.

    Args:
        weights: parameters of a loaded model.
        stored: the format of its files.
        seed: seed of the errors; different seeds give independent errors.
    """
    _flip(weights, stored, seed)
    try:
        yield
    finally:
        _flip(weights, stored, seed)


def _flip(weights: Sequence[nn.Parameter], stored: torch.dtype, seed: int) -> None:
    for index, weight in enumerate(weights):
        data = weight.data
        generator = torch.Generator(device=data.device).manual_seed(1_000_003 * seed + index)
        run, kept = _digits(data.dtype), _digits(stored)
        share = ROUNDED_ONCE if run >= kept else ROUNDED_TWICE
        # loaded weights are contiguous, so the view shares their memory
        bits = data.view(INTEGERS[data.element_size()]).view(-1)
        for start in range(0, len(bits), ELEMENTS_AT_ONCE):
            part = bits[start : start + ELEMENTS_AT_ONCE]
            drawn: Tensor = torch.rand(len(part), generator=generator, device=data.device) < share
            part.bitwise_xor_(drawn.to(part.dtype) << max(0, run - kept))


def _digits(dtype: torch.dtype) -> int:
    """Bits of the significand that are stored."""
    return round(-torch.log2(torch.tensor(torch.finfo(dtype).eps)).item())
