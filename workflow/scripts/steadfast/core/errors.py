"""Errors whose message is written for the user and is shown without a traceback."""

from collections.abc import Iterable
from difflib import get_close_matches


class SteadfastError(Exception):
    """A failure that the user can fix; the message gives what was found and what is allowed."""


class ConfigError(SteadfastError):
    """The configuration is invalid; raised before any job starts."""


class DataError(SteadfastError):
    """An input file does not have the required content."""


class UnknownNameError(ConfigError):
    """A name is not among the known ones."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        """Compose the message from the kind of thing, the name that was given and the known names."""
        super().__init__(f"unknown {what} {name!r}{suggest(name, known)}")


def suggest(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'? Known: a, b, x"`` (without the question if nothing is near)."""
    names = sorted(known)
    if not names:
        return "; none is known"
    folded = {candidate.casefold(): candidate for candidate in names}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
    question = f"; did you mean {folded[near[0]]!r}?" if near else ";"
    return f"{question} Known: {', '.join(names)}"
