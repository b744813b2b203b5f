"""How many prompts a paired comparison needs."""

import numpy as np
from scipy.special import ndtri

from steadfast.analysis.statistics.proportions import normal_quantile


def pairs_needed(gained: float, lost: float, confidence: float = 0.95, power: float = 0.8) -> float:
    """Number of pairs that McNemar's test needs to detect a change (Connor 1987, Biometrics 43:207).

    Args:
        gained: probability that a pair changes one way.
        lost: probability that it changes the other way.
        confidence: one minus the two-sided significance level.
        power: probability of detecting the change.

    Returns:
        Number of pairs, rounded up; infinity if both probabilities are equal, since there is no change to detect.

    Raises:
        ValueError: ``power`` is not strictly between 0 and 1.
    """
    if not 0.0 < power < 1.0:
        raise ValueError(f"power must lie strictly between 0 and 1, not {power}")
    difference = abs(gained - lost)
    if difference == 0.0:
        return float("inf")
    discordant = gained + lost
    spread = np.sqrt(discordant - difference**2) if discordant > difference**2 else 0.0
    root = normal_quantile(confidence) * np.sqrt(discordant) + float(ndtri(power)) * spread
    return float(np.ceil((root / difference) ** 2))
