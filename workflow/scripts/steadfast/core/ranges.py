"""Ranges of numbers in the schema, as text for messages and the reference page."""

import math
from collections.abc import Mapping
from typing import Any

BOUNDS = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")
# longer numbers are described by their length
MOST_DIGITS = 30


class LongInteger(int):
    """An integer longer than any setting, described by its sign and length."""

    digits: int

    def __repr__(self) -> str:
        """Description of the number, since its digits would fill the message."""
        return f"{'-' if self < 0 else ''}a number of {self.digits} digits"


def shortened(value: Any) -> Any:
    """A copy of a configuration in which whole numbers of absurd length are replaced by a ``LongInteger``.

    They are outside all ranges, but floating-point arithmetic and printing would raise errors for them.
    """
    if isinstance(value, Mapping):
        return {key: shortened(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shortened(item) for item in value]
    if isinstance(value, int) and not -(10**MOST_DIGITS) < value < 10**MOST_DIGITS:
        short = LongInteger(10**MOST_DIGITS if value > 0 else -(10**MOST_DIGITS))
        short.digits = _digits(abs(value))
        return short
    return value


def _digits(value: int) -> int:
    """Number of decimal digits of a positive number that may be too long to print."""
    digits = int((value.bit_length() - 1) * math.log10(2)) + 1
    return digits + 1 if value >= 10**digits else digits


def range_of(schema: Mapping[str, Any]) -> str:
    """The numbers that a schema allows: ``0 to 9``, ``above 0 and at most 1``; empty if it says nothing."""
    low, above, high, below = (schema.get(bound) for bound in BOUNDS)
    if low is not None and high is not None:
        return f"{low} to {high}"
    parts = {"at least": low, "above": above, "at most": high, "below": below}
    return " and ".join(f"{word} {number}" for word, number in parts.items() if number is not None)
