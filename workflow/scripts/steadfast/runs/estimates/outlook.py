"""Outlook before the first job: downloads, disk, memory and time."""

from collections.abc import Iterator

from steadfast.core.memory import available_memory
from steadfast.core.progress import duration
from steadfast.core.units import in_units
from steadfast.grid.jobs import Jobs
from steadfast.runs.estimates.fit import free_disk
from steadfast.runs.estimates.forecast import Forecast
from steadfast.runs.estimates.needs import Needs
from steadfast.runs.estimates.threads import PROCESS_BYTES


def outlook(needs: Needs, forecast: Forecast, now: float, *, here: bool) -> Iterator[str]:
    """The lines.

    Args:
        needs: requirements of the run.
        forecast: estimates of its steps.
        now: seconds since the epoch.
        here: whether its jobs run on this machine, and not on a cluster.
    """
    yield from _downloads(needs)
    yield from _disk(needs)
    if here and not Jobs(needs.grid).on_gpus:
        yield from _memory(needs, forecast)
    yield from _time(forecast, now)


def _downloads(needs: Needs) -> Iterator[str]:
    sizes = {name: size for name, size in needs.downloads.items() if size != 0}
    parts = [f"{name} {'(size not known)' if size is None else in_units(size)}" for name, size in sizes.items()]
    if parts:
        yield f"  download  {', '.join(parts)}"


def _disk(needs: Needs) -> Iterator[str]:
    sizes = [size for directories in needs.written().values() for size in directories.values()]
    if sizes:
        checkpoints = "1 checkpoint" if len(sizes) == 1 else f"{len(sizes)} checkpoints"
        fewer = "" if needs.keeps_checkpoints else " at most, as edited ones are removed after use"
        yield f"  disk      {in_units(sum(sizes))} for {checkpoints}{fewer}; {in_units(free_disk())} are free"


def _memory(needs: Needs, forecast: Forecast) -> Iterator[str]:
    loaded = [needs.in_memory(name) for name in needs.models()]
    known = [size for size in loaded if size is not None]
    if known:
        beside = min(forecast.cores or 1, max(1, len(forecast.tasks)))
        jobs = f"for each of {beside} jobs at a time" if beside > 1 else "at most"
        rest = "" if len(known) == len(loaded) else "; models of unknown size are not counted"
        memory = in_units(max(known) + PROCESS_BYTES)
        yield f"  memory    {memory} {jobs}; {in_units(available_memory())} are available{rest}"


def _time(forecast: Forecast, now: float) -> Iterator[str]:
    recorded = sum(task.recorded is not None for task in forecast.tasks.values()) + len(forecast.history)
    source = "steps of an earlier run" if recorded else "the sizes of the models"
    cores = {None: "", 1: " on 1 core"}.get(forecast.cores, f" on {forecast.cores} cores")
    yield f"  time      about {duration(forecast.left(now))}{cores}, by {source}; the estimate improves as steps end"
