"""Units of memory and disk space."""

GIB = 2**30
UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB")


def in_units(size: float) -> str:
    """A number of bytes in the largest unit with a value of at least 1: ``1.2 GiB``, ``516 MiB``, ``12 bytes``."""
    power = min((int(size).bit_length() - 1) // 10, len(UNITS) - 1) if size >= 1 else 0
    number = size / 1024**power
    return f"{number:,.{1 if power and number < 100 else 0}f} {UNITS[power]}"
