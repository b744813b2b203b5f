"""Memory of this machine that this process may use."""

from pathlib import Path

import psutil

OWN_GROUPS = Path("/proc/self/cgroup")
GROUPS = Path("/sys/fs/cgroup")


def total_memory() -> int:
    """Maximum bytes of memory for this process: the machine's, or a lower limit of a container or Slurm."""
    return min([psutil.virtual_memory().total, *_limits()])


def available_memory() -> int:
    """Bytes available now without swapping (file caches count as free), at most ``total_memory``."""
    return min(psutil.virtual_memory().available, total_memory())


def _limits() -> list[int]:
    """Limits of the control groups that this process is in (version 2, or version 1's group ``memory``)."""
    try:
        lines = OWN_GROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root, name = (GROUPS / "memory", "memory.limit_in_bytes") if controllers else (GROUPS, "memory.max")
        group = root / path.lstrip("/")
        while group.is_relative_to(root):
            found += _limit(group / name)
            group = group.parent
    return found


def _limit(file: Path) -> list[int]:
    try:
        return [int(file.read_text(encoding="utf-8"))]
    except (OSError, ValueError):  # no such group, or `max`
        return []
