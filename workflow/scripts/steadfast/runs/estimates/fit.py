"""Check before the first job whether models and checkpoints fit this machine."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from steadfast.core.disk import existing
from steadfast.core.errors import ConfigError
from steadfast.core.gpus import gpu_memory
from steadfast.core.memory import total_memory
from steadfast.core.units import in_units
from steadfast.grid.jobs import Jobs
from steadfast.runs.estimates.needs import Needs

# share of the memory of a machine or GPU for weights; the rest is for activations and other processes
USABLE = 0.9
RESULTS = Path("results")


def require_fit(needs: Needs, *, here: bool) -> None:
    """Check for models and checkpoints that do not fit this machine.

    Args:
        needs: requirements of the run.
        here: whether its jobs run on this machine, and not on a cluster.

    Raises:
        ConfigError: with a line per model or disk.
    """
    found = list(misfits(needs, here=here))
    if found:
        raise ConfigError("\n".join(found))


def misfits(needs: Needs, *, here: bool) -> Iterator[str]:
    """Reasons why a run cannot work, one per line.

    Args:
        needs: requirements of the run.
        here: whether its jobs run on this machine, and not on a cluster.
    """
    if here:
        for name in needs.models():
            yield from _too_large(needs, name)
    yield from _too_little_disk(needs)


def free_disk(path: Path = RESULTS) -> int:
    """Free bytes on the disk of a path, which may not exist yet."""
    return shutil.disk_usage(existing(path)).free


def _too_large(needs: Needs, name: str) -> Iterator[str]:
    size, dtype = needs.sizes.of(name), str(needs.grid.config["models"][name]["dtype"])
    if size is None:
        return
    needed = size.loaded(dtype)
    what = f"models.{name}: its weights take {in_units(needed)}{'' if dtype == 'auto' else f' in {dtype}'}"
    if not Jobs(needs.grid).on_gpus:
        if needed > USABLE * total_memory():
            yield (
                f"{what}, and this machine has {in_units(total_memory())} of memory; take a smaller model, or a "
                "machine with more memory or with GPUs"
            )
        return
    memories = sorted(gpu_memory(), reverse=True)[: max(needs.grid.models[name].gpus, 1)]
    if memories and needed > USABLE * sum(memories):
        gpus = f"{len(memories)} GPU{'' if len(memories) == 1 else 's'}"
        yield f"{what}, and {gpus} of this machine {in_units(sum(memories))}; give it more with its key `gpus`"


def _too_little_disk(needs: Needs) -> Iterator[str]:
    needed, free = needs.disk(), free_disk()
    if needed > free:
        remedy = "runtime.keep_checkpoints: false removes each as soon as nothing needs it any more"
        yield (
            f"disk: the checkpoints of this run take {in_units(needed)}, and {in_units(free)} are free in "
            f"{RESULTS.absolute()}{f'; {remedy}' if needs.keeps_checkpoints else ''}"
        )
    downloads = sum(size or 0 for size in needs.downloads.values())
    if downloads:
        from steadfast.models.download import cache_directory

        if downloads > free_disk(cache_directory()):
            yield (
                f"disk: {in_units(downloads)} are to be downloaded, and {in_units(free_disk(cache_directory()))} are "
                f"free in {cache_directory()}; the variable HF_HOME names another place"
            )
