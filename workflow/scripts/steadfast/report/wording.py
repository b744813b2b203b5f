"""Numbers in sentences."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of control and format characters, surrogates and what has no character."""
MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; NaN where there is none."""

    value: float
    low: float
    high: float


def share(estimate: Estimate) -> str:
    """``31% (27 to 36%)``."""
    if math.isnan(estimate.value):
        return "an unknown share"
    interval = "" if math.isnan(estimate.low) else f" ({percent(estimate.low)} to {percent(estimate.high)}%)"
    return f"{percent(estimate.value)}%{interval}"


def points(estimate: Estimate) -> str:
    """``−63 points (−68 to −57)``."""
    if math.isnan(estimate.value):
        return "an unknown number of points"
    interval = "" if math.isnan(estimate.low) else f" ({signed(estimate.low)} to {signed(estimate.high)})"
    return f"{signed(estimate.value)} points{interval}"


def coefficient(estimate: Estimate) -> str:
    """``0.41 (0.28 to 0.55)``."""
    if math.isnan(estimate.value):
        return "undefined"
    interval = "" if math.isnan(estimate.low) else f" ({_decimal(estimate.low)} to {_decimal(estimate.high)})"
    return f"{_decimal(estimate.value)}{interval}"


def count(number: int, noun: str, plural: str = "") -> str:
    """``1 model``, ``2 models``; thousands are set apart."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def percent(value: float) -> str:
    """A share as a number of percent; ``99.7`` where a whole number would read as all."""
    shown = f"{100 * value:.0f}"
    # a rate that is not quite all or nothing does not read as if it were
    return f"{100 * value:.1f}" if shown in ("0", "100") and value not in (0.0, 1.0) else shown.replace("-0", "0")


def signed(value: float) -> str:
    """A difference of shares in points, with its sign."""
    shown = f"{100 * value:+.1f}" if abs(value) < 0.0995 else f"{100 * value:+.0f}"
    return "0" if float(shown) == 0 else shown.replace("-", MINUS)


def markdown(text: object) -> str:
    """Text on one line of Markdown: no markup, link, image or cell border, and no character that cannot be seen."""
    visible = "".join(_visible(character) for character in " ".join(str(text).split()))
    for character in "\\`[|":
        visible = visible.replace(character, f"\\{character}")
    return visible.replace("<", "&lt;")


def _visible(character: str) -> str:
    """A character, or the number of one that cannot be seen or that turns the direction of others."""
    return f"(U+{ord(character):04X})" if unicodedata.category(character) in UNSEEN else character


def _decimal(value: float) -> str:
    return f"{value:.2f}".replace("-", MINUS)
