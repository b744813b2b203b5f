"""Number format in which a model runs: ``dtype: auto`` on this machine.

A GPU runs a model in its stored format. So does a CPU with matrix instructions for that format. Any other CPU emulates
it, many times slower than float32, which represents every 16-bit number exactly; there a model runs in float32 if it
fits into memory.

Measured (torch 2.13, one thread, SmolLM2-135M, tokens per second; float32 | bfloat16 | float16):

    =================================================  ===============  ======================
    processor                                          32 × 64 prompt   answers, batch of 32
    =================================================  ===============  ======================
    AMD EPYC 9004 (avx512_bf16, no avx512_fp16)        338 | 767 | 79   90 | 151 | 13
    =================================================  ===============  ======================

A product of 256×896 and 896×4864 takes 27, 11 and 113 ms there; on a processor of AVX-512 without avx512_bf16 it took
0.15, 1.60 and 1.17 s. Only a single answer at a time is slower in bfloat16 than in float32 where there are
instructions, by 12%.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from steadfast.core.files import read_json
from steadfast.core.memory import total_memory
from steadfast.core.provenance import note_number_format
from steadfast.core.units import in_units
from steadfast.models.pointer import checkpoint_path
from steadfast.models.weights import open_checkpoint

AUTO = "auto"
WIDE = "float32"
NAMES = {"F64": "float64", "F32": WIDE, "F16": "float16", "BF16": "bfloat16"}
BYTES = {"float64": 8, WIDE: 4, "float16": 2, "bfloat16": 2}
# share of the memory for one model's weights in float32; the rest is for concurrent jobs
MEMORY_SHARE = 0.6
SHORT = {"bfloat16": "bf16", "float16": "fp16"}
# instruction sets, in torch's names, with which a format is at least as fast as float32
INSTRUCTIONS = {
    "bfloat16": ("avx512_bf16", "amx_bf16", "bf16", "sve_bf16"),
    "float16": ("avx512_fp16", "amx_fp16", "fp16_arith"),
}


@dataclass(frozen=True)
class NumberFormat:
    """The number format in which a model runs.

    Attributes:
        name: as torch calls it: ``float32``, ``bfloat16``, ``float16`` or ``float64``.
        stored: the format in which its checkpoint is stored.
        reason: short reason for the choice.
    """

    name: str
    stored: str
    reason: str


def running_format(model_dir: str | Path, dtype: str = AUTO, device: str = AUTO) -> NumberFormat:
    """The number format in which a model runs on this machine.

    It depends on the checkpoint, the CPU and the memory size, and not on other processes, so that a model and its
    edited variants run in the same format.

    Args:
        model_dir: a model directory of the workflow, or a plain checkpoint directory.
        dtype: the configuration's: ``auto`` or a torch number format.
        device: a torch device name, or ``auto``: a GPU if one is usable, else the processor.

    Raises:
        DataError: a file of the checkpoint is missing or damaged.
    """
    checkpoint = checkpoint_path(model_dir)
    config = read_json(checkpoint / "config.json")
    stored = stored_format(checkpoint, config)
    if dtype != AUTO:
        return NumberFormat(dtype, stored, "as configured")
    if stored not in INSTRUCTIONS:
        return NumberFormat(stored, stored, "as stored")
    if config.get("quantization_config"):
        return NumberFormat(stored, stored, "as its quantized weights ask for")
    if _on_gpu(device):
        return NumberFormat(stored, stored, "as stored, on a GPU")
    if has_instructions(stored):
        return NumberFormat(stored, stored, "as stored; this processor has instructions for it")
    size, memory = running_size(checkpoint, WIDE), total_memory()
    numbers = f"{in_units(size)} of weights in {WIDE}, memory of {in_units(memory)}"
    if size > MEMORY_SHARE * memory:
        slow = f"slowly: this processor has no {stored} instructions, but in {WIDE} it would not fit ({numbers})"
        return NumberFormat(stored, stored, f"as stored, {slow}")
    return NumberFormat(WIDE, stored, f"this processor has no {stored} instructions, and it fits ({numbers})")


def settle_format(model_dir: str | Path, dtype: str = AUTO, device: str = AUTO) -> NumberFormat:
    """``running_format`` for a model that is about to be loaded: the log and the provenance tell it."""
    found = running_format(model_dir, dtype, device)
    stored = "" if found.name == found.stored else f" (stored in {found.stored})"
    print(f"{model_dir}: runs in {found.name}{stored}: {found.reason}", flush=True)
    note_number_format(model_dir, found.name)
    return found


def stored_format(checkpoint: Path, config: Mapping[str, Any] | None = None) -> str:
    """The number format that a checkpoint's configuration names, or else most of its numbers have.

    Args:
        checkpoint: directory of the checkpoint.
        config: its ``config.json``, if that was read already.
    """
    config = read_json(checkpoint / "config.json") if config is None else config
    for part in (config, config.get("text_config") or {}):
        named = str(part.get("dtype") or part.get("torch_dtype") or AUTO).removeprefix("torch.")
        if named != AUTO:
            return named
    counts: Counter[str] = Counter()
    for tensor in open_checkpoint(checkpoint).entries.values():
        if tensor.dtype in NAMES:
            counts[NAMES[tensor.dtype]] += tensor.count
    return counts.most_common(1)[0][0] if counts else WIDE


def running_size(checkpoint: Path, name: str) -> int:
    """Bytes that a checkpoint's weights take in a number format (``auto``: as stored); integers count as stored.

    Raises:
        DataError: a file of weights is missing or damaged.
    """
    return open_checkpoint(checkpoint).loaded_bytes(BYTES.get(name))


@cache
def has_instructions(name: str) -> bool:
    """Whether this CPU has matrix instructions for a 16-bit format.

    torch has two kinds of kernels: those of oneDNN, which may emulate a format, and its own. So both the CPU's
    instructions and oneDNN's support are checked: on Apple's processors oneDNN is missing, and float32 is always
    faster.
    """
    import torch

    found, onednn = torch.cpu.get_capabilities(), torch.backends.mkldnn
    available: Any = onednn.is_available
    if not available() or not any(found.get(each) for each in INSTRUCTIONS[name]):
        return False
    takes: Any = getattr(torch.ops.mkldnn, f"_is_mkldnn_{SHORT[name]}_supported")
    return bool(takes())


def _on_gpu(device: str) -> bool:
    if device != AUTO:
        return not device.startswith("cpu")
    from steadfast.models.devices import pick_device

    return pick_device() != "cpu"
