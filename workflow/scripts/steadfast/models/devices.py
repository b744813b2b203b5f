"""Which devices a model is loaded onto: one, or as many GPUs as its weights need.

A model that is spread keeps whole blocks on each GPU, and what goes from block to block is copied from one to the
next (transformers' ``device_map``). One GPU works at a time: that is for models that do not fit one, and for work of a
few forward passes. Responses of large models come from vLLM, where all GPUs work at once.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from transformers import PreTrainedModel

from steadfast.core.errors import DataError
from steadfast.core.units import in_units
from steadfast.models.number_format import running_size

USABLE = 0.9
"""Share of a GPU's free memory that weights may take; the rest is for activations, logits and keys and values."""
REMEDY = (
    f" (weights may take {USABLE:.0%} of it): give the model more GPUs with its key `gpus`, or run it on the processor "
    "with `runtime: {device: cpu}`"
)


def pick_device(device: str = "auto") -> str:
    """Resolve ``auto`` to ``cuda`` if a GPU is usable, else ``cpu``."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def free_memory() -> list[int]:
    """Free bytes of every GPU that this job sees."""
    return [torch.cuda.mem_get_info(gpu)[0] for gpu in range(torch.cuda.device_count())]


def room_to_spread(checkpoint: Path, dtype: str, free: Sequence[int]) -> dict[int | str, int] | None:
    """The bytes of every GPU that a model may be spread over; None if it is to be kept on one device.

    Args:
        checkpoint: directory of the checkpoint.
        dtype: the number format that it is loaded in; ``auto`` is the stored one.
        free: free bytes of every GPU that may be used.

    Raises:
        DataError: it fits neither one of them nor all together.
    """
    if not free:
        return None
    room: dict[int | str, int] = {gpu: int(USABLE * bytes_free) for gpu, bytes_free in enumerate(free)}
    size = running_size(checkpoint, dtype)
    if size <= room[0]:
        return None
    if size > sum(room.values()):
        gpus = f"{len(free)} GPU{'' if len(free) == 1 else 's'} with {in_units(sum(free))} free"
        raise DataError(f"{checkpoint}: its weights take {in_units(size)}, and this job has {gpus}{REMEDY}")
    return room


def require_gpus_only(model: PreTrainedModel, checkpoint: Path) -> None:
    """Check that no part of a model that was spread ended beside the GPUs, where every pass would copy it again.

    Raises:
        DataError: some did: whole blocks do not fill the GPUs as exactly as bytes would.
    """
    places: dict[str, int | str | torch.device] = getattr(model, "hf_device_map", {})
    outside = [name for name, place in places.items() if str(place) in ("cpu", "disk")]
    if outside:
        modules = f"{len(outside)} of its modules, {outside[0]} for example,"
        raise DataError(f"{checkpoint}: {modules} found no room on this job's GPUs{REMEDY}")
